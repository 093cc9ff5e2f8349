// Clones: linked ones that stand on a snapshot, the files that several VMs use, and what a Destroy takes.
//
// The library ignores CloneVM_Task's snapshot and diskMoveType, writes the clone's file name into the source's disk, and
// lets a second VM have the name of another. A vCenter refuses createNewChildDiskBacking without a snapshot
// (VirtualMachineRelocateSpec.diskMoveType: valid for a clone only with one), takes the snapshot's configuration, and gives
// cards new addresses but for those whose addressType is manual. Destroy_Task deletes every attached disk's file, whoever
// else uses it (VirtualMachine.Destroy_Task; seen: govmomi issue 70).

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// gone is one VM that was destroyed: its files that others used too are lost to them.
type gone struct {
	VM     string   `json:"vm"`
	Name   string   `json:"name"`
	Folder string   `json:"folder"`
	Shared []string `json:"shared"`
}

// clones knows which snapshots linked clones stand on. `base`: what becomes of such a snapshot: "stays" (it can be removed,
// its file stays), "locked" (removing it fails and leaves consolidationNeeded), "lost" (the clone's end takes it away).
type clones struct {
	mu        sync.Mutex
	standing  map[string]string // id of a linked clone -> id of the snapshot
	destroyed []gone
	base      string
	cards     int64
}

func newClones() *clones {
	return &clones{standing: map[string]string{}, destroyed: []gone{}, base: "stays"}
}

// copied gives a value with nothing of the original in it.
func copied(value reflect.Value) reflect.Value {
	switch value.Kind() {
	case reflect.Ptr:
		if value.IsNil() {
			return value
		}
		made := reflect.New(value.Elem().Type())
		made.Elem().Set(copied(value.Elem()))
		return made
	case reflect.Interface:
		if value.IsNil() {
			return value
		}
		return copied(value.Elem())
	case reflect.Slice:
		if value.IsNil() {
			return value
		}
		made := reflect.MakeSlice(value.Type(), value.Len(), value.Len())
		for i := 0; i < value.Len(); i++ {
			made.Index(i).Set(copied(value.Index(i)))
		}
		return made
	case reflect.Struct:
		made := reflect.New(value.Type()).Elem()
		made.Set(value)
		for i := 0; i < value.NumField(); i++ {
			if made.Field(i).CanSet() {
				made.Field(i).Set(copied(value.Field(i)))
			}
		}
		return made
	default:
		return value
	}
}

func copyDevices(devices []types.BaseVirtualDevice) []types.BaseVirtualDevice {
	made := []types.BaseVirtualDevice{}
	for _, device := range devices {
		made = append(made, copied(reflect.ValueOf(device)).Interface().(types.BaseVirtualDevice))
	}
	return made
}

// failed answers with a task that ends with a fault.
func (c *control) failed(w http.ResponseWriter, r *http.Request, method, target string, fault types.BaseMethodFault, text string) {
	task := newTask(method, target)
	c.note(c.logins.of(r), method, target, task)
	finish(task, types.TaskInfoStateError, types.LocalizedMethodFault{Fault: fault, LocalizedMessage: text})
	answerTask(w, method, task)
}

// clone is CloneVM_Task as a vCenter carries it out; `tell`: of its task, which else another one stands for.
func (c *control) clone(w http.ResponseWriter, r *http.Request, body []byte, target string, tell bool) {
	const method = "CloneVM_Task"
	vm, ok := simulator.Map.Get(types.ManagedObjectReference{Type: "VirtualMachine", Value: target}).(*simulator.VirtualMachine)
	call, err := simulator.UnmarshalBody(types.TypeFunc(), body)
	if !ok || err != nil {
		fault := &types.ManagedObjectNotFound{Obj: types.ManagedObjectReference{Type: "VirtualMachine", Value: target}}
		c.failed(w, r, method, target, fault, fmt.Sprintf("cannot clone: %v", err))
		return
	}
	req, spec := call.Body.(*types.CloneVM_Task), call.Body.(*types.CloneVM_Task).Spec
	linked := spec.Location.DiskMoveType == string(types.VirtualMachineRelocateDiskMoveOptionsCreateNewChildDiskBacking)
	if linked && spec.Snapshot == nil {
		c.failed(w, r, method, target, &types.InvalidArgument{InvalidProperty: "spec.snapshot"}, "A specified parameter was not correct: spec.snapshot")
		return
	}
	if folder, ok := simulator.Map.Get(req.Folder).(*simulator.Folder); ok {
		for _, child := range folder.ChildEntity {
			if other, ok := simulator.Map.Get(child).(*simulator.VirtualMachine); ok && other.Name == req.Name {
				c.failed(w, r, method, target, &types.DuplicateName{Name: req.Name, Object: child},
					fmt.Sprintf("The name '%s' already exists.", req.Name))
				return
			}
		}
	}
	devices, hardware := vm.Config.Hardware.Device, vm.Config.Hardware
	if spec.Snapshot != nil {
		snapshot, ok := simulator.Map.Get(*spec.Snapshot).(*simulator.VirtualMachineSnapshot)
		if !ok || snapshot.Vm != vm.Self {
			c.failed(w, r, method, target, &types.InvalidArgument{InvalidProperty: "spec.snapshot"}, "A specified parameter was not correct: spec.snapshot")
			return
		}
		devices = snapshot.Config.Hardware.Device
		hardware = c.hostile.hardwareOf(spec.Snapshot.Value, snapshot.Config.Hardware)
	}
	own, base := vm.Config.Hardware.Device, copyDevices(devices)
	simulator.Map.WithLock(vm, func() { vm.Config.Hardware.Device = copyDevices(devices) })
	out := httptest.NewRecorder()
	c.forward(out, r, body)
	simulator.Map.WithLock(vm, func() { vm.Config.Hardware.Device = own })
	if id := taskRE.FindStringSubmatch(out.Body.String()); id != nil {
		task := simulator.Map.Get(types.ManagedObjectReference{Type: "Task", Value: id[1]}).(*simulator.Task)
		if made, ok := task.Info.Result.(types.ManagedObjectReference); ok {
			c.finishClone(vmNamed(made.Value), base, spec, linked)
			resize(vmNamed(made.Value), hardware.NumCPU, hardware.MemoryMB)
		}
		if tell {
			c.tellTask(c.logins.of(r), method, target, id[1])
		}
	}
	replay(w, out)
}

// hardwareOf gives the processors and the memory that a VM had when a snapshot was made.
func (h *hostile) hardwareOf(snapshot string, hardware types.VirtualHardware) types.VirtualHardware {
	h.mu.Lock()
	defer h.mu.Unlock()
	if was, ok := h.kept[snapshot]; ok {
		hardware.NumCPU, hardware.MemoryMB = was.cpus, was.memory
	}
	return hardware
}

// resize gives a VM so many processors and so much memory.
func resize(vm *simulator.VirtualMachine, cpus, memoryMB int32) {
	simulator.Map.WithLock(vm, func() {
		simulator.Map.Update(vm, []types.PropertyChange{
			{Name: "config.hardware.numCPU", Val: cpus}, {Name: "config.hardware.memoryMB", Val: memoryMB},
			{Name: "summary.config.numCpu", Val: cpus}, {Name: "summary.config.memorySizeMB", Val: memoryMB},
		})
	})
}

// finishClone gives a clone its addresses, and its disks the parents that they stand on.
func (c *control) finishClone(clone *simulator.VirtualMachine, base []types.BaseVirtualDevice, spec types.VirtualMachineCloneSpec, linked bool) {
	files := map[int32]string{}
	for _, device := range base {
		if file, ok := fileOf(device); ok {
			files[device.GetVirtualDevice().Key] = file
		}
	}
	devices := copyDevices(clone.Config.Hardware.Device)
	for _, device := range devices {
		if card, ok := device.(types.BaseVirtualEthernetCard); ok {
			ethernet := card.GetVirtualEthernetCard()
			if ethernet.AddressType != string(types.VirtualEthernetCardMacTypeManual) {
				number := atomic.AddInt64(&c.hostile.clones.cards, 1)
				ethernet.MacAddress = fmt.Sprintf("00:50:56:a0:%02x:%02x", number>>8&255, number&255)
			}
		}
		disk, ok := device.(*types.VirtualDisk)
		if !ok || !linked {
			continue
		}
		if backing, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo); ok {
			parent := &types.VirtualDiskFlatVer2BackingInfo{DiskMode: backing.DiskMode}
			parent.FileName, parent.Datastore = files[disk.Key], backing.Datastore
			backing.Parent = parent
		}
	}
	set(clone, "config.hardware.device", devices)
	c.hostile.changed(clone)
	c.hostile.relist(clone)
	if linked {
		c.hostile.clones.mu.Lock()
		c.hostile.clones.standing[clone.Self.Value] = spec.Snapshot.Value
		c.hostile.clones.mu.Unlock()
	}
}

func fileOf(device types.BaseVirtualDevice) (string, bool) {
	if backing, ok := device.GetVirtualDevice().Backing.(types.BaseVirtualDeviceFileBackingInfo); ok {
		if _, disk := device.(*types.VirtualDisk); disk {
			return backing.GetVirtualDeviceFileBackingInfo().FileName, true
		}
	}
	return "", false
}

// usedBy gives the files of a VM's disks, those that they stand on included.
func usedBy(vm *simulator.VirtualMachine) map[string]bool {
	files := map[string]bool{}
	for _, device := range vm.Config.Hardware.Device {
		if file, ok := fileOf(device); ok {
			files[file] = true
		}
		if backing, ok := device.GetVirtualDevice().Backing.(*types.VirtualDiskFlatVer2BackingInfo); ok {
			for parent := backing.Parent; parent != nil; parent = parent.Parent {
				files[parent.FileName] = true
			}
		}
	}
	return files
}

// takes gives what a VM's end takes: the top file of each disk, which others may use.
func (k *clones) takes(vm *simulator.VirtualMachine) gone {
	others := map[string]bool{}
	for _, entity := range simulator.Map.All("VirtualMachine") {
		if other := entity.(*simulator.VirtualMachine); other.Self != vm.Self {
			for file := range usedBy(other) {
				others[file] = true
			}
		}
	}
	end := gone{VM: vm.Self.Value, Name: vm.Name, Shared: []string{}}
	if vm.Parent != nil {
		end.Folder = vm.Parent.Value
	}
	for _, device := range vm.Config.Hardware.Device {
		if file, ok := fileOf(device); ok && others[file] {
			end.Shared = append(end.Shared, file)
		}
	}
	return end
}

// ended notes a VM's end, and lets a linked clone's base go, where the vCenter is one that loses it.
func (k *clones) ended(end gone) {
	vm := end.VM
	k.mu.Lock()
	k.destroyed = append(k.destroyed, end)
	snapshot, ok := k.standing[vm]
	delete(k.standing, vm)
	lost := ok && k.base == "lost"
	k.mu.Unlock()
	if !lost {
		return
	}
	ref := types.ManagedObjectReference{Type: "VirtualMachineSnapshot", Value: snapshot}
	node, ok := simulator.Map.Get(ref).(*simulator.VirtualMachineSnapshot)
	if !ok {
		return
	}
	source := vmNamed(node.Vm.Value)
	set(source, "snapshot.rootSnapshotList", without(source.Snapshot.RootSnapshotList, snapshot))
}

// without gives a tree in which a snapshot is no more; its children take its place.
func without(tree []types.VirtualMachineSnapshotTree, id string) (left []types.VirtualMachineSnapshotTree) {
	for _, node := range tree {
		node.ChildSnapshotList = without(node.ChildSnapshotList, id)
		if node.Snapshot.Value == id {
			left = append(left, node.ChildSnapshotList...)
		} else {
			left = append(left, node)
		}
	}
	return left
}

// inUse tells whether removing a snapshot is refused since a clone stands on it.
func (k *clones) inUse(body []byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.base != "locked" {
		return false
	}
	for _, snapshot := range k.standing {
		if bytes.Contains(body, []byte(">"+snapshot+"<")) {
			return true
		}
	}
	return false
}

// locked refuses to remove a snapshot that a clone stands on; the disks stay as they are.
func (c *control) locked(w http.ResponseWriter, r *http.Request, method, target string, body []byte) bool {
	if !strings.HasPrefix(method, "RemoveSnapshot") || !c.hostile.clones.inUse(body) {
		return false
	}
	set(vmNamed(target), "runtime.consolidationNeeded", true)
	c.failed(w, r, method, target, &types.FileLocked{}, "Unable to access a file since it is locked.")
	return true
}
