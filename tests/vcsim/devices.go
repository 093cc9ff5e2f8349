// What VMs and networks may be like at a real vCenter, and a test asks for.

package main

import (
	"io/ioutil"
	"path/filepath"
	"reflect"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// addDevice gives a VM a disk or device that snapshots do not cover: independent_persistent, independent_nonpersistent,
// rdm-physical, rdm-virtual, bus-shared, passthrough; or a disk that they do: disk.
func (h *hostile) addDevice(vm *simulator.VirtualMachine, kind string) {
	number := int32(len(vm.Config.Hardware.Device))
	unit := number
	base := types.VirtualDevice{Key: 7000 + number, UnitNumber: &unit, ControllerKey: 1000,
		DeviceInfo: &types.Description{Label: "Hard disk " + string(rune('0'+number%10)), Summary: kind}}
	home := vm.Config.Files.VmPathName
	file := types.VirtualDeviceFileBackingInfo{FileName: home[:strings.LastIndex(home, "/")+1] + kind + ".vmdk"}
	var device types.BaseVirtualDevice
	switch kind {
	case "rdm-physical", "rdm-virtual":
		mode := types.VirtualDiskCompatibilityModeVirtualMode
		if kind == "rdm-physical" {
			mode = types.VirtualDiskCompatibilityModePhysicalMode
		}
		base.Backing = &types.VirtualDiskRawDiskMappingVer1BackingInfo{
			VirtualDeviceFileBackingInfo: file, CompatibilityMode: string(mode), DiskMode: "persistent"}
		device = &types.VirtualDisk{VirtualDevice: base, CapacityInKB: 1024}
	case "bus-shared":
		base.DeviceInfo = &types.Description{Label: "SCSI controller 1", Summary: kind}
		device = &types.ParaVirtualSCSIController{VirtualSCSIController: types.VirtualSCSIController{
			VirtualController: types.VirtualController{VirtualDevice: base, BusNumber: 1},
			SharedBus:         types.VirtualSCSISharingPhysicalSharing}}
	case "passthrough":
		base.DeviceInfo = &types.Description{Label: "PCI device 0", Summary: kind}
		device = &types.VirtualPCIPassthrough{VirtualDevice: base}
	default:
		mode := kind
		if kind == "disk" {
			mode = "persistent"
		}
		base.Backing = &types.VirtualDiskFlatVer2BackingInfo{VirtualDeviceFileBackingInfo: file, DiskMode: mode}
		makeFile(vm, strings.TrimSuffix(file.FileName, ".vmdk")+"-flat.vmdk") // another VM can attach it
		device = &types.VirtualDisk{VirtualDevice: base, CapacityInKB: 1024}
	}
	set(vm, "config.hardware.device", append(append([]types.BaseVirtualDevice{}, vm.Config.Hardware.Device...), device))
	if _, disk := device.(*types.VirtualDisk); disk {
		set(vm, "summary.config.numVirtualDisks", vm.Summary.Config.NumVirtualDisks+1)
	}
	h.changed(vm)
}

// makeFile makes an empty file at a path like "[LocalDS_0] x/y.vmdk".
func makeFile(vm *simulator.VirtualMachine, path string) {
	for _, ref := range vm.Datastore {
		store := simulator.Map.Get(ref).(*simulator.Datastore)
		if name := "[" + store.Name + "] "; strings.HasPrefix(path, name) {
			_ = ioutil.WriteFile(filepath.Join(store.Info.GetDatastoreInfo().Url, strings.TrimPrefix(path, name)), nil, 0o600)
		}
	}
}

// configure sets what no call of the library sets.
func (h *hostile) configure(vm *simulator.VirtualMachine, name, value string) {
	switch name {
	case "managedBy":
		set(vm, "config.managedBy", &types.ManagedByInfo{ExtensionKey: value, Type: "replica"})
	case "template":
		set(vm, "config.template", value == "true")
	case "power":
		set(vm, "runtime.powerState", types.VirtualMachinePowerState(value))
	case "SET.guest.toolsRunningStatus", "SET.guest.ipAddress":
		set(vm, strings.TrimPrefix(name, "SET."), value)
	case "consolidationNeeded":
		set(vm, "runtime.consolidationNeeded", value == "true")
	case "disks":
		kept := []types.BaseVirtualDevice{}
		for _, device := range vm.Config.Hardware.Device {
			if _, disk := device.(*types.VirtualDisk); !disk || value != "none" {
				kept = append(kept, device)
			}
		}
		set(vm, "config.hardware.device", kept)
		set(vm, "summary.config.numVirtualDisks", int32(0))
	case "addresses": // of all its cards, as VMware Tools tell them; the first is guest.ipAddress
		list := strings.Split(value, ",")
		set(vm, "guest.net", []types.GuestNicInfo{{Network: "x", Connected: true, DeviceConfigId: 4000, IpAddress: list}})
		set(vm, "guest.ipAddress", list[0])
	}
	h.changed(vm)
}

// putInVApp takes a VM out of its folder's list and into a vApp, which is in the folder then.
func putInVApp(vm *simulator.VirtualMachine, app string) {
	ref := types.ManagedObjectReference{Type: "VirtualApp", Value: app}
	folder := simulator.Map.Get(*vm.Parent).(*simulator.Folder)
	found, ok := simulator.Map.Get(ref).(*simulator.VirtualApp)
	if !ok {
		return
	}
	simulator.Map.RemoveReference(folder, &folder.ChildEntity, vm.Self)
	found.ParentFolder = &folder.Self
	simulator.Map.AppendReference(found, &found.Vm, vm.Self)
	simulator.Map.AppendReference(folder, &folder.ChildEntity, ref)
	simulator.Map.WithLock(vm, func() {
		simulator.Map.Update(vm, []types.PropertyChange{{Name: "parentVApp", Val: &ref}})
	})
	inVApp.Store(vm.Self.Value, true)
}

// inVApp are the ids of VMs whose parent nobody is told, for they have none; the library cannot do without one.
var inVApp sync.Map

// occupy gives each network the VMs that use it (Network.vm), which the library leaves empty.
func occupy() {
	users := map[types.ManagedObjectReference][]types.ManagedObjectReference{}
	for _, entity := range simulator.Map.All("VirtualMachine") {
		vm := entity.(*simulator.VirtualMachine)
		for _, network := range vm.Network {
			users[network] = append(users[network], vm.Self)
		}
	}
	for _, kind := range []string{"Network", "OpaqueNetwork", "DistributedVirtualPortgroup"} {
		for _, network := range simulator.Map.All(kind) {
			there := append([]types.ManagedObjectReference{}, users[network.Reference()]...)
			simulator.Map.WithLock(network, func() {
				reflect.Indirect(reflect.ValueOf(network)).FieldByName("Vm").Set(reflect.ValueOf(there))
			})
		}
	}
}

// addNetwork makes one more network, which may have the name of another.
func addNetwork(kind, name string) {
	folders := simulator.Map.Any("Datacenter").(*simulator.Datacenter).NetworkFolder
	folder := simulator.Map.Get(folders).(*simulator.Folder)
	switch kind {
	case "opaque":
		_ = folder.AddOpaqueNetwork(types.OpaqueNetworkSummary{NetworkSummary: types.NetworkSummary{Name: name}})
	case "standard", "isolated", "uplinked":
		network := &mo.Network{}
		network.Name = name
		if kind != "standard" {
			network.Host = switchOnHosts(name, kind == "uplinked")
		}
		simulator.Map.PutEntity(folder, simulator.Map.NewEntity(network))
		simulator.Map.AppendReference(folder, &folder.ChildEntity, network.Self)
		if kind != "standard" { // where the library looks for the network of a card
			datacenter := simulator.Map.Any("Datacenter").(*simulator.Datacenter)
			simulator.Map.AppendReference(datacenter, &datacenter.Network, network.Self)
		}
	}
}

// switchOnHosts makes a virtual switch of its own for a port group on each host; the library's AddPortGroup tells no host.
func switchOnHosts(name string, uplink bool) (hosts []types.ManagedObjectReference) {
	made := types.HostVirtualSwitch{Name: "vs-" + name, Key: "key-vim.host.VirtualSwitch-vs-" + name,
		Portgroup: []string{"key-vim.host.PortGroup-" + name}}
	if uplink {
		made.Pnic = []string{"key-vim.host.PhysicalNic-vmnic1"}
	}
	group := types.HostPortGroup{Key: "key-vim.host.PortGroup-" + name, Vswitch: made.Key,
		Spec: types.HostPortGroupSpec{Name: name, VswitchName: made.Name}}
	for _, entity := range simulator.Map.All("HostSystem") {
		host := entity.(*simulator.HostSystem)
		hosts = append(hosts, host.Self)
		network := *host.Config.Network // hosts share what the library made
		network.Vswitch = append(append([]types.HostVirtualSwitch{}, network.Vswitch...), made)
		network.Portgroup = append(append([]types.HostPortGroup{}, network.Portgroup...), group)
		config := *host.Config
		config.Network = &network
		simulator.Map.WithLock(host, func() { host.Config = &config })
	}
	return hosts
}
