package main

import (
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// setDrs sets the automation of all clusters, or overrides it for one VM; an empty text takes an override away.
func setDrs(vm, behavior string) {
	for _, entity := range simulator.Map.All("ClusterComputeResource") {
		cluster := entity.(*simulator.ClusterComputeResource)
		config := cluster.ConfigurationEx.(*types.ClusterConfigInfoEx)
		if vm == "" {
			config.DrsConfig.Enabled = types.NewBool(behavior != "")
			config.DrsConfig.EnableVmBehaviorOverrides = types.NewBool(true)
			config.DrsConfig.DefaultVmBehavior = types.DrsBehavior(behavior)
			continue
		}
		config.DrsVmConfig = append(config.DrsVmConfig, types.ClusterDrsVmConfigInfo{
			Key:     types.ManagedObjectReference{Type: "VirtualMachine", Value: vm},
			Enabled: types.NewBool(behavior != ""), Behavior: types.DrsBehavior(behavior),
		})
	}
}

// manualVM says whether DRS is manual for one VM, whatever its cluster's level is.
func manualVM(vm string) bool {
	for _, entity := range simulator.Map.All("ClusterComputeResource") {
		for _, its := range entity.(*simulator.ClusterComputeResource).ConfigurationEx.(*types.ClusterConfigInfoEx).DrsVmConfig {
			if its.Key.Value == vm && its.Behavior == types.DrsBehaviorManual {
				return true
			}
		}
	}
	return false
}

var scheduler = types.ManagedObjectReference{Type: "ScheduledTaskManager", Value: "ScheduledTaskManager"}

// scheduledTasks is the manager that the library does not have.
type scheduledTasks struct {
	mo.ScheduledTaskManager
}

// RetrieveEntityScheduledTask gives all tasks; of one entity nobody asks here.
func (m *scheduledTasks) RetrieveEntityScheduledTask(*types.RetrieveEntityScheduledTask) soap.HasFault {
	return &methods.RetrieveEntityScheduledTaskBody{
		Res: &types.RetrieveEntityScheduledTaskResponse{Returnval: m.ScheduledTask},
	}
}

func addScheduler() {
	simulator.Map.Put(&scheduledTasks{mo.ScheduledTaskManager{Self: scheduler}})
}

// schedule adds a scheduled task on an entity ("vm-7", "group-v3"); without a name all of them go.
func schedule(target, method, name string) {
	manager := simulator.Map.Get(scheduler).(*scheduledTasks)
	if name == "" {
		manager.ScheduledTask = nil
		return
	}
	entity := types.ManagedObjectReference{Type: "Folder", Value: target}
	if vm := (types.ManagedObjectReference{Type: "VirtualMachine", Value: target}); simulator.Map.Get(vm) != nil {
		entity = vm
	}
	next := time.Now().Add(time.Hour)
	task := &mo.ScheduledTask{}
	task.Self = types.ManagedObjectReference{Type: "ScheduledTask", Value: "schedule-" + name}
	task.Info = types.ScheduledTaskInfo{
		ScheduledTaskSpec: types.ScheduledTaskSpec{
			Name: name, Enabled: true, Scheduler: &types.DailyTaskScheduler{}, Action: &types.MethodAction{Name: method},
		},
		ScheduledTask: task.Self, Entity: entity, TaskObject: &entity, State: types.TaskInfoStateSuccess, NextRunTime: &next,
	}
	simulator.Map.Put(task)
	manager.ScheduledTask = append(manager.ScheduledTask, task.Self)
}
