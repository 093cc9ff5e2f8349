package main

import (
	"context"
	"text/template"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// mendTemplates empties the library's own texts of events that it cannot parse, and would end over.
func mendTemplates() {
	infos := simulator.Map.EventManager().Description.EventInfo
	for i := range infos {
		if _, err := template.New("").Parse(infos[i].FullFormat); err != nil {
			infos[i].FullFormat = ""
		}
	}
}

func (c *control) post(user string, event types.BaseEvent) {
	events := simulator.Map.EventManager()
	ctx := &simulator.Context{
		Context: context.Background(), Map: simulator.Map,
		Session: &simulator.Session{UserSession: types.UserSession{UserName: user}, Registry: simulator.NewRegistry()},
	}
	posting.RLock()
	defer posting.RUnlock()
	simulator.Map.WithLock(events, func() {
		events.PostEvent(ctx, &types.PostEvent{EventToPost: event})
	})
}

// tellTask posts the TaskEvent that a vCenter has for each task.
func (c *control) tellTask(user, method, target, id string) {
	task, ok := simulator.Map.Get(types.ManagedObjectReference{Type: "Task", Value: id}).(*simulator.Task)
	if !ok || user == "" {
		return
	}
	info := c.note(user, method, target, task)
	if !c.events {
		return
	}
	vm, _ := simulator.Map.Get(*info.Entity).(*simulator.VirtualMachine)
	info.State, info.Error, info.Result, info.StartTime, info.CompleteTime = types.TaskInfoStateQueued, nil, nil, nil, nil
	c.post(user, &types.TaskEvent{Event: about(vm), Info: info})
}

// tellAsked posts what a vCenter tells of a guest that was asked to shut down.
func (c *control) tellAsked(user, target string) {
	ref := types.ManagedObjectReference{Type: "VirtualMachine", Value: target}
	if vm, ok := simulator.Map.Get(ref).(*simulator.VirtualMachine); ok && user != "" {
		c.post(user, &types.VmGuestShutdownEvent{VmEvent: types.VmEvent{Event: about(vm)}})
	}
}

// about names the datacenter, by which events are collected, and the VM if there is one.
func about(vm *simulator.VirtualMachine) types.Event {
	event := types.Event{}
	if dc, ok := simulator.Map.Any("Datacenter").(*simulator.Datacenter); ok {
		event.Datacenter = &types.DatacenterEventArgument{
			EntityEventArgument: types.EntityEventArgument{Name: dc.Name}, Datacenter: dc.Self}
	}
	if vm != nil {
		event.Vm = &types.VmEventArgument{EntityEventArgument: types.EntityEventArgument{Name: vm.Name}, Vm: vm.Self}
	}
	return event
}

// tellOf posts an event of a VM that no call of the library has: what vSphere HA and disk consolidation tell.
func (c *control) tellOf(vm *simulator.VirtualMachine, kind, user string) {
	event := types.VmEvent{Event: about(vm)}
	switch kind {
	case "VmRestartedOnAlternateHostEvent":
		c.post(user, &types.VmRestartedOnAlternateHostEvent{
			VmPoweredOnEvent: types.VmPoweredOnEvent{VmEvent: event}, SourceHost: hostArgument(vm.Runtime.Host.Value)})
	case "VmDasBeingResetEvent":
		c.post(user, &types.VmDasBeingResetEvent{VmEvent: event, Reason: "vmtoolsHeartbeatFailure"})
	default:
		c.post(user, &types.EventEx{Event: about(vm), EventTypeId: kind})
	}
}

// place is where a VM is and what it is called.
type place struct {
	name, host, datastore string
}

func placeOf(vm *simulator.VirtualMachine) place {
	if vm == nil {
		return place{}
	}
	at := place{name: vm.Name}
	if vm.Runtime.Host != nil {
		at.host = vm.Runtime.Host.Value
	}
	if len(vm.Datastore) > 0 {
		at.datastore = vm.Datastore[0].Value
	}
	return at
}

func hostArgument(id string) types.HostEventArgument {
	ref := types.ManagedObjectReference{Type: "HostSystem", Value: id}
	host := simulator.Map.Get(ref).(*simulator.HostSystem)
	return types.HostEventArgument{EntityEventArgument: types.EntityEventArgument{Name: host.Name}, Host: ref}
}

func datastoreArgument(id string) *types.DatastoreEventArgument {
	ref := types.ManagedObjectReference{Type: "Datastore", Value: id}
	store, ok := simulator.Map.Get(ref).(*simulator.Datastore)
	if !ok {
		return nil
	}
	return &types.DatastoreEventArgument{EntityEventArgument: types.EntityEventArgument{Name: store.Name}, Datastore: ref}
}

// tellMoves posts what a vCenter tells of a VM that was moved or renamed.
func (c *control) tellMoves(user string, vm *simulator.VirtualMachine, before place) {
	now := placeOf(vm)
	if !c.events || user == "" || now == before {
		return
	}
	event := types.VmEvent{Event: about(vm)}
	if now.name != before.name {
		c.post(user, &types.VmRenamedEvent{VmEvent: event, OldName: before.name, NewName: now.name})
	}
	if now.host == "" || (now.host == before.host && now.datastore == before.datastore) {
		return
	}
	host := hostArgument(now.host)
	event.Host, event.Ds = &host, datastoreArgument(now.datastore)
	if now.datastore != before.datastore {
		c.post(user, &types.VmRelocatedEvent{VmRelocateSpecEvent: types.VmRelocateSpecEvent{VmEvent: event},
			SourceHost: hostArgument(before.host), SourceDatastore: datastoreArgument(before.datastore)})
		return
	}
	c.post(user, &types.VmMigratedEvent{VmEvent: event, SourceHost: hostArgument(before.host),
		SourceDatastore: datastoreArgument(before.datastore)})
}
