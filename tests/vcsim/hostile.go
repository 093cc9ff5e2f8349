// What a real vCenter does and the library does not; each can be switched alone, some for one VM.

package main

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// switches: what each of them does when it is on.
//
//	revert     a revert takes devices, CPU, memory and networks back, and leaves a VM suspended whose snapshot has memory
//	quiet      changes of recentTask and layoutEx are not notified (API reference: "not notified")
//	exclusive  a second task of a VM that has one running is refused with TaskInProgress
//	disks      no snapshot of VMs with bus sharing, physical RDMs or passthrough; nor of running ones with independent disks
//	networks   VirtualMachine.network goes on naming what a snapshot's configuration uses
//	fields     an event for each SetField
//	keys       distributed port groups have keys that are not their ids (only from the start)
//	versions   config.changeVersion changes with every change of the configuration
//	drstasks   VMs that are powered on as a group have no task of their own (ClusterPowerOnVmResult: only unmanaged ones have)
//	pieces     a collector's answers of more than 100 objects come in pieces
//	drsauto    DRS of each cluster is fully automated (only when it is switched on)
//	drsmanual  such VMs are only recommended to be started (only when it is switched on, not by "all")
//
// Those that make VMs and networks odd: oddities.go.
var switches = []string{"revert", "quiet", "exclusive", "disks", "networks", "fields", "keys", "versions", "drstasks", "pieces", "drsauto", "drsmanual"}

// before is the configuration that a snapshot keeps.
type before struct {
	devices []types.BaseVirtualDevice
	cpus    int32
	memory  int32
	live    bool // with memory
}

type hostile struct {
	mu      sync.Mutex
	on      map[string]bool          // switch, or "switch vm-7"
	kept    map[string]before        // id of a snapshot
	running map[string]int           // id of a VM: tasks that were begun and are not over
	asked   map[string]*question     // id of a VM
	skew    time.Duration            // of the hosts' clocks against vCenter's
	clocks  map[string]time.Duration // id of a host: the same of it alone, in what it tells
	version int64
	pace    time.Duration     // of snapshots made and removed by drdeck
	keys    map[string]string // id of a port group -> its key
	clones  *clones
}

func newHostile(names string) *hostile {
	h := &hostile{clones: newClones(), clocks: map[string]time.Duration{}, on: map[string]bool{}, kept: map[string]before{}, running: map[string]int{}, asked: map[string]*question{}}
	for _, name := range append(append([]string{}, switches...), oddities...) {
		h.on[name] = (names == "all" && !onRequest[name]) || strings.Contains(","+names+",", ","+name+",")
	}
	return h
}

// does says whether a switch is on, for a VM.
func (h *hostile) does(name, vm string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one, ok := h.on[name+" "+vm]; ok {
		return one
	}
	return h.on[name]
}

func (h *hostile) turn(name, vm string, on bool) bool {
	h.mu.Lock()
	if _, ok := h.on[name]; !ok {
		h.mu.Unlock()
		return false
	}
	h.mu.Unlock()
	h.furnish(name, vm, on)
	h.mu.Lock()
	defer h.mu.Unlock()
	if vm != "" {
		name += " " + vm
	}
	h.on[name] = on
	if name == "drsauto" && on {
		for _, entity := range simulator.Map.All("ClusterComputeResource") {
			config := entity.(*simulator.ClusterComputeResource).ConfigurationEx.(*types.ClusterConfigInfoEx)
			config.DrsConfig.DefaultVmBehavior = types.DrsBehaviorFullyAutomated
		}
	}
	return true
}

// begin counts a task of a VM in; false: another is under way, and this one must be refused.
func (h *hostile) begin(method, vm string) bool {
	if !h.does("exclusive", vm) || !exclusive[method] {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running[vm] > 0 {
		return false
	}
	h.running[vm]++
	return true
}

func (h *hostile) end(method, vm string) {
	if exclusive[method] {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.running[vm] > 0 {
			h.running[vm]--
		}
	}
}

// exclusive are the tasks that change a VM, of which it has one at a time.
var exclusive = map[string]bool{
	"PowerOnVM_Task": true, "PowerOffVM_Task": true, "SuspendVM_Task": true, "CreateSnapshot_Task": true,
	"RevertToSnapshot_Task": true, "RemoveSnapshot_Task": true, "RemoveAllSnapshots_Task": true,
	"ReconfigVM_Task": true, "RelocateVM_Task": true, "Destroy_Task": true,
}

const busyFault = `<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>The operation is not allowed in the current state: ` +
	`another task is already in progress.</faultstring><detail><TaskInProgressFault xmlns="urn:vim25" xsi:type="TaskInProgress">` +
	`<task type="Task">task-1</task></TaskInProgressFault></detail></soapenv:Fault>`

func refuseBusy(w http.ResponseWriter) {
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, envelope, busyFault)
}

var memoryRE = regexp.MustCompile(`<(?:\w+:)?memory[^>]*>(true|1)<`)

// refusesSnapshot gives the words with which a snapshot of a VM fails at once, or none.
func (h *hostile) refusesSnapshot(vm *simulator.VirtualMachine) string {
	if !h.does("disks", vm.Self.Value) {
		return ""
	}
	running := vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn
	for _, device := range vm.Config.Hardware.Device {
		switch x := device.(type) {
		case types.BaseVirtualSCSIController:
			if s := x.GetVirtualSCSIController().SharedBus; s != "" && s != types.VirtualSCSISharingNoSharing {
				return "Virtual machine is configured to use a SCSI controller engaged in bus-sharing."
			}
		case *types.VirtualPCIPassthrough:
			return "Device 'PCI device 0' is a passthrough device and cannot be part of a snapshot."
		case *types.VirtualDisk:
			switch b := x.Backing.(type) {
			case *types.VirtualDiskRawDiskMappingVer1BackingInfo:
				if b.CompatibilityMode == string(types.VirtualDiskCompatibilityModePhysicalMode) {
					return "Virtual machine has a physical mode raw disk mapping."
				}
			case *types.VirtualDiskFlatVer2BackingInfo:
				if running && strings.HasPrefix(b.DiskMode, "independent") {
					return "Cannot take a snapshot of a powered on virtual machine with independent disks."
				}
			}
		}
	}
	return ""
}

// keep remembers the configuration with which a snapshot was made.
func (h *hostile) keep(vm *simulator.VirtualMachine, body []byte) {
	if vm.Snapshot == nil || vm.Snapshot.CurrentSnapshot == nil {
		return
	}
	id, live := vm.Snapshot.CurrentSnapshot.Value, memoryRE.Match(body)
	live = live && vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn
	h.mu.Lock()
	h.kept[id] = before{append([]types.BaseVirtualDevice{}, vm.Config.Hardware.Device...),
		vm.Config.Hardware.NumCPU, vm.Config.Hardware.MemoryMB, live}
	skew := h.skew
	h.mu.Unlock()
	simulator.Map.WithLock(vm, func() {
		if node := nodeOf(vm.Snapshot.RootSnapshotList, id); node != nil {
			node.CreateTime = node.CreateTime.Add(skew)
			if !live { // as seen: a snapshot without memory is one of a VM that is off
				node.State = types.VirtualMachinePowerStatePoweredOff
			}
		}
		simulator.Map.Update(vm, []types.PropertyChange{{Name: "snapshot.rootSnapshotList", Val: vm.Snapshot.RootSnapshotList}})
	})
}

func nodeOf(tree []types.VirtualMachineSnapshotTree, id string) *types.VirtualMachineSnapshotTree {
	for i := range tree {
		if tree[i].Snapshot.Value == id {
			return &tree[i]
		}
		if node := nodeOf(tree[i].ChildSnapshotList, id); node != nil {
			return node
		}
	}
	return nil
}

// takeBack gives a VM the configuration of the snapshot that it was reverted to, and the power state of it.
func (h *hostile) takeBack(vm *simulator.VirtualMachine) types.VirtualMachinePowerState {
	off := types.VirtualMachinePowerStatePoweredOff
	h.mu.Lock()
	was, ok := h.kept[vm.Snapshot.CurrentSnapshot.Value]
	h.mu.Unlock()
	if !ok || !h.does("revert", vm.Self.Value) {
		return off
	}
	simulator.Map.WithLock(vm, func() {
		simulator.Map.Update(vm, []types.PropertyChange{
			{Name: "config.hardware.device", Val: append([]types.BaseVirtualDevice{}, was.devices...)},
			{Name: "config.hardware.numCPU", Val: was.cpus}, {Name: "config.hardware.memoryMB", Val: was.memory},
			{Name: "summary.config.numCpu", Val: was.cpus}, {Name: "summary.config.memorySizeMB", Val: was.memory},
		})
	})
	if was.live {
		return types.VirtualMachinePowerStateSuspended
	}
	return off
}

// relist makes a VM's list of networks that of its cards, and of its snapshots' too where that is on.
func (h *hostile) relist(vm *simulator.VirtualMachine) {
	cards := networksOf(vm.Config.Hardware.Device)
	if h.does("networks", vm.Self.Value) && vm.Snapshot != nil {
		h.mu.Lock()
		for _, id := range idsOf(vm.Snapshot.RootSnapshotList) {
			cards = append(cards, networksOf(h.kept[id].devices)...)
		}
		h.mu.Unlock()
	}
	list, seen := []types.ManagedObjectReference{}, map[string]bool{}
	for _, ref := range cards {
		if !seen[ref.Value] {
			list, seen[ref.Value] = append(list, ref), true
		}
	}
	if !reflect.DeepEqual(list, vm.Network) {
		set(vm, "network", list)
	}
}

func idsOf(tree []types.VirtualMachineSnapshotTree) (ids []string) {
	for _, node := range tree {
		ids = append(append(ids, node.Snapshot.Value), idsOf(node.ChildSnapshotList)...)
	}
	return ids
}

func networksOf(devices []types.BaseVirtualDevice) (refs []types.ManagedObjectReference) {
	for _, device := range devices {
		card, ok := device.(types.BaseVirtualEthernetCard)
		if !ok {
			continue
		}
		switch b := card.GetVirtualEthernetCard().Backing.(type) {
		case *types.VirtualEthernetCardNetworkBackingInfo:
			if b.Network != nil {
				refs = append(refs, *b.Network)
			}
		case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
			refs = append(refs, types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: b.Port.PortgroupKey})
		case *types.VirtualEthernetCardOpaqueNetworkBackingInfo:
			for _, entity := range simulator.Map.All("OpaqueNetwork") {
				network := entity.(*mo.OpaqueNetwork)
				if network.Summary.(*types.OpaqueNetworkSummary).OpaqueNetworkId == b.OpaqueNetworkId {
					refs = append(refs, network.Self)
				}
			}
		}
	}
	return refs
}

// changed gives a configuration that was changed another version.
func (h *hostile) changed(vm *simulator.VirtualMachine) {
	if h.does("versions", vm.Self.Value) {
		now := time.Now().UTC().Format(time.RFC3339Nano)
		set(vm, "config.changeVersion", fmt.Sprintf("%s-%d", now, atomic.AddInt64(&h.version, 1)))
	}
}

// fill sets a VM's recentTask or layoutEx; no collector hears of it where a vCenter's would not.
func (h *hostile) fill(vm *simulator.VirtualMachine, changes []types.PropertyChange) {
	if !h.does("quiet", vm.Self.Value) {
		simulator.Map.Update(vm, changes)
		return
	}
	for _, change := range changes {
		switch change.Name {
		case "recentTask":
			vm.RecentTask = change.Val.([]types.ManagedObjectReference)
		case "layoutEx.file":
			vm.LayoutEx.File = change.Val.([]types.VirtualMachineFileLayoutExFileInfo)
		case "layoutEx.disk":
			vm.LayoutEx.Disk = change.Val.([]types.VirtualMachineFileLayoutExDiskLayout)
		case "layoutEx.snapshot":
			vm.LayoutEx.Snapshot = change.Val.([]types.VirtualMachineFileLayoutExSnapshotLayout)
		case "layoutEx.timestamp":
			vm.LayoutEx.Timestamp = change.Val.(time.Time)
		}
	}
}

// countFrom makes ids as long as those of a vCenter that has been in use for years.
func countFrom(number int64) {
	field := reflect.ValueOf(simulator.Map).Elem().FieldByName("counter")
	atomic.StoreInt64((*int64)(unsafe.Pointer(field.UnsafeAddr())), number)
}

func (h *hostile) setSkew(skew time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.skew = skew
}

// fromDrdeck tells drdeck's own calls from a test's.
func fromDrdeck(r *http.Request) bool {
	return strings.HasPrefix(r.UserAgent(), "drdeck")
}

// rekey gives distributed port groups keys that are not their ids, as after a restore of vCenter.
func (h *hostile) rekey() {
	h.keys = map[string]string{}
	for _, entity := range simulator.Map.All("DistributedVirtualPortgroup") {
		group := entity.(*simulator.DistributedVirtualPortgroup)
		group.Key = "dvportgroup-9" + strings.TrimPrefix(group.Self.Value, "dvportgroup-")
		group.Config.Key = group.Key
		h.keys[group.Self.Value] = group.Key
	}
}

var (
	portgroupRE = regexp.MustCompile(`(<(?:\w+:)?portgroupKey>)([^<]*)<`)
	eventExRE   = regexp.MustCompile(`(<(?:\w+:)?eventTypeId>)com\.vmware[^<]*<`)
	versionRE   = regexp.MustCompile(`<(?:\w+:)?version(?: [^>]*)?>[^<]+<`)
	unheardRE   = regexp.MustCompile(`<changeSet><op>[^<]*</op><name>(?:recentTask|layoutEx[^<]*)</name>.*?</changeSet>`)
)

// inbound gives a request in which port groups are named as the library names them.
func (h *hostile) inbound(body []byte) []byte {
	body = eventExRE.ReplaceAll(body, []byte("${1}EventEx<")) // a vCenter matches an EventEx by its eventTypeId
	if len(h.keys) == 0 {
		return body
	}
	ids := map[string]string{}
	for id, key := range h.keys {
		ids[key] = id
	}
	return portgroupRE.ReplaceAllFunc(body, func(found []byte) []byte {
		m := portgroupRE.FindSubmatch(found)
		if id, ok := ids[string(m[2])]; ok {
			return []byte(string(m[1]) + id + "<")
		}
		return []byte(string(m[1]) + "nosuch-" + string(m[2]) + "<") // an id is no key
	})
}

// outbound gives an answer as a vCenter gives it: port groups by their keys, and nothing of what is not notified.
func (h *hostile) outbound(method string, request, answer []byte) []byte {
	if len(h.keys) > 0 {
		answer = portgroupRE.ReplaceAllFunc(answer, func(found []byte) []byte {
			m := portgroupRE.FindSubmatch(found)
			if key, ok := h.keys[string(m[2])]; ok {
				return []byte(string(m[1]) + key + "<")
			}
			return found
		})
	}
	inVApp.Range(func(id, _ interface{}) bool {
		answer = orphaned(answer, id.(string))
		return true
	})
	if method == "WaitForUpdatesEx" && h.does("quiet", "") && versionRE.Match(request) {
		answer = unheardRE.ReplaceAll(answer, nil)
	}
	return answer
}

// orphaned takes the parent of a VM out of an answer.
func orphaned(answer []byte, vm string) []byte {
	object := regexp.MustCompile(`<obj type="VirtualMachine">` + vm + `</obj>[\s\S]*?</(?:objectSet|objects)>`)
	return object.ReplaceAllFunc(answer, func(found []byte) []byte { return parentRE.ReplaceAll(found, nil) })
}

var parentRE = regexp.MustCompile(`<(changeSet|propSet)>(?:<op>[^<]*</op>)?<name>parent</name>.*?</(?:changeSet|propSet)>`)

var fieldRE = regexp.MustCompile(`<(?:\w+:)?key[^>]*>(\d+)<[\s\S]*<(?:\w+:)?value[^>]*>([^<]*)<`)

var entityRE = regexp.MustCompile(`<(?:\w+:)?entity [^>]*type="(\w+)"[^>]*>([^<]+)<`)

// tellField posts the event that a vCenter has for each value of a custom attribute.
func (c *control) tellField(user string, body []byte) {
	if m := fieldRE.FindSubmatch(body); m != nil && user != "" {
		key := int32(0)
		_, _ = fmt.Sscan(string(m[1]), &key)
		about := types.CustomFieldEvent{Event: about(nil)}
		told := &types.CustomFieldValueChangedEvent{CustomFieldEvent: about, FieldKey: key, Value: string(m[2])}
		if entity := entityRE.FindSubmatch(body); entity != nil {
			told.Entity.Entity = types.ManagedObjectReference{Type: string(entity[1]), Value: string(entity[2])}
		}
		c.post(user, told)
	}
}
