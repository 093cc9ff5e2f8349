package main

import (
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// tasks are the names by which a vCenter tells of tasks that are not "VirtualMachine.METHOD".
var tasks = map[string]string{
	"RevertToSnapshot_Task":   "vm.Snapshot.revert",
	"RemoveSnapshot_Task":     "vm.Snapshot.remove",
	"RemoveAllSnapshots_Task": "VirtualMachine.removeAllSnapshots",
	"MoveIntoFolder_Task":     "Folder.moveInto",
	"PowerOnVM_Task":          "VirtualMachine.powerOn",
	"PowerOffVM_Task":         "VirtualMachine.powerOff",
	"CloneVM_Task":            "VirtualMachine.clone",
	"RelocateVM_Task":         "VirtualMachine.relocate",
	"ReconfigVM_Task":         "VirtualMachine.reconfigure",
}

const recent = 10 * time.Minute

// newTask makes a task that runs until finish.
func newTask(method, target string) *simulator.Task {
	ref := types.ManagedObjectReference{Type: "VirtualMachine", Value: target}
	task := simulator.CreateTask(ref, strings.TrimSuffix(method, "_Task"), nil)
	now := time.Now()
	simulator.Map.Update(task, []types.PropertyChange{
		{Name: "info.startTime", Val: now}, {Name: "info.state", Val: types.TaskInfoStateRunning}})
	return task
}

func finish(task *simulator.Task, state types.TaskInfoState, fault interface{}) {
	simulator.Map.Update(task, []types.PropertyChange{{Name: "info.error", Val: fault},
		{Name: "info.completeTime", Val: time.Now()}, {Name: "info.state", Val: state}})
}

// note makes a task say what a vCenter's says: what it does, on which entity, whose it is; a VM has it in recentTask.
func (c *control) note(user, method, target string, task *simulator.Task) types.TaskInfo {
	id := tasks[method]
	if id == "" {
		name := strings.TrimSuffix(method, "_Task")
		id = "VirtualMachine." + strings.ToLower(name[:1]) + name[1:]
	}
	entity := types.ManagedObjectReference{Type: "VirtualMachine", Value: target}
	vm, _ := simulator.Map.Get(entity).(*simulator.VirtualMachine)
	name := target
	if vm != nil {
		name = vm.Name
	} else {
		entity.Type = "Folder"
	}
	info := task.Info
	info.Name, info.DescriptionId, info.Entity, info.EntityName = method, id, &entity, name
	info.Reason = &types.TaskReasonUser{UserName: user}
	simulator.Map.Update(task, []types.PropertyChange{
		{Name: "info.name", Val: info.Name}, {Name: "info.descriptionId", Val: id}, {Name: "info.entity", Val: entity},
		{Name: "info.entityName", Val: name}, {Name: "info.reason", Val: info.Reason},
	})
	if vm != nil {
		simulator.Map.WithLock(vm, func() {
			refs := append(recentOf(vm, recent), task.Self)
			c.hostile.fill(vm, []types.PropertyChange{{Name: "recentTask", Val: refs}})
		})
	}
	kept.mu.Lock()
	kept.tasks = append(kept.tasks, task)
	kept.mu.Unlock()
	return info
}

// recentOf gives the tasks that a VM shows, without those that ended so long ago.
func recentOf(vm *simulator.VirtualMachine, ago time.Duration) []types.ManagedObjectReference {
	refs := []types.ManagedObjectReference{}
	for _, ref := range vm.RecentTask {
		task, ok := simulator.Map.Get(ref).(*simulator.Task)
		if ok && (task.Info.CompleteTime == nil || time.Since(*task.Info.CompleteTime) < ago) {
			refs = append(refs, ref)
		}
	}
	return refs
}

// forgetTasks takes the tasks that are over out of all VMs' recentTask, and out of the history too.
func (c *control) forgetTasks(history bool) {
	for _, entity := range simulator.Map.All("VirtualMachine") {
		vm := entity.(*simulator.VirtualMachine)
		refs := recentOf(vm, 0)
		simulator.Map.WithLock(vm, func() {
			c.hostile.fill(vm, []types.PropertyChange{{Name: "recentTask", Val: refs}})
		})
	}
	if history {
		kept.mu.Lock()
		kept.tasks = nil
		kept.mu.Unlock()
	}
}

var taskManager = types.ManagedObjectReference{Type: "TaskManager", Value: "TaskManager"}

// taskHistory is the part of the task manager that the library does not have.
type taskHistory struct {
	mo.TaskManager
	mu    sync.Mutex
	tasks []*simulator.Task
}

// TaskHistoryCollector is the history of one entity's tasks.
type TaskHistoryCollector struct {
	mo.TaskHistoryCollector
	infos []types.TaskInfo
}

var kept = &taskHistory{TaskManager: mo.TaskManager{Self: taskManager}}

func addTaskHistory() {
	simulator.Map.Put(kept)
}

// CreateCollectorForTasks collects those of one entity, by the time at which they were queued.
func (m *taskHistory) CreateCollectorForTasks(ctx *simulator.Context, req *types.CreateCollectorForTasks) soap.HasFault {
	collector := &TaskHistoryCollector{}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, task := range m.tasks {
		info := task.Info
		if begin := req.Filter.Time.BeginTime; *info.Entity == req.Filter.Entity.Entity && !info.QueueTime.Before(*begin) {
			info.Result = nil
			collector.infos = append(collector.infos, info)
		}
	}
	ctx.Session.Put(collector)
	return &methods.CreateCollectorForTasksBody{Res: &types.CreateCollectorForTasksResponse{Returnval: collector.Self}}
}

// ReadNextTasks goes from the oldest to the newest.
func (c *TaskHistoryCollector) ReadNextTasks(req *types.ReadNextTasks) soap.HasFault {
	count := len(c.infos)
	if int(req.MaxCount) < count {
		count = int(req.MaxCount)
	}
	read := c.infos[:count]
	c.infos = c.infos[count:]
	return &methods.ReadNextTasksBody{Res: &types.ReadNextTasksResponse{Returnval: read}}
}

// DestroyCollector ends it.
func (c *TaskHistoryCollector) DestroyCollector(ctx *simulator.Context, req *types.DestroyCollector) soap.HasFault {
	ctx.Session.Remove(req.This)
	return &methods.DestroyCollectorBody{Res: &types.DestroyCollectorResponse{}}
}
