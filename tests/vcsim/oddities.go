// What VMs and networks of a real vCenter are like, as switches: of a VM, of all, or from the start.

package main

import (
	"regexp"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// oddities: the switches that make VMs or networks what they are at a real vCenter.
//
//	ids        ids have seven digits (only from the start)
//	pace       snapshots take time to be made and removed, as long as -pace says
//	unplugged  cards are disconnected in the VMs that replication tools make
//	twins      two port groups have one name, "Twin Network" (only when it is switched on or from the start)
//	opaque     there is an NSX network, "NSX Segment" (the same)
//
// and, not by "all", for they need a person in every flow or leave nothing to recover:
//
//	questions  each power on asks whether the VM was moved or copied
//	vapp       the VM is in a vApp of its folder, and in no folder itself
//	managed    the VM is another solution's
//	diskless   the VM is a placeholder without disks
//	skew       snapshots are dated by a clock that is a minute behind
var oddities = []string{"ids", "pace", "unplugged", "twins", "opaque", "questions", "vapp", "managed", "diskless", "skew"}

// onRequest are switches that "all" leaves off.
var onRequest = map[string]bool{"drsauto": true, "drsmanual": true, "questions": true, "vapp": true, "managed": true, "diskless": true, "skew": true}

const skewed = -time.Minute

// furnish makes what a switch says is there; VMs that are made later are not concerned.
func (h *hostile) furnish(name, vm string, on bool) {
	switch name {
	case "twins", "opaque":
		if on && name == "twins" {
			addNetwork("standard", "Twin Network")
			addNetwork("standard", "Twin Network")
		} else if on {
			addNetwork("opaque", "NSX Segment")
		}
	case "skew":
		h.setSkew(map[bool]time.Duration{true: skewed}[on])
	case "vapp", "managed", "diskless":
		for _, entity := range simulator.Map.All("VirtualMachine") {
			if machine := entity.(*simulator.VirtualMachine); on && (vm == "" || vm == machine.Self.Value) {
				h.dress(machine, name)
			}
		}
	}
}

func (h *hostile) dress(vm *simulator.VirtualMachine, name string) {
	switch name {
	case "managed":
		h.configure(vm, "managedBy", "com.vmware.vcHms")
	case "diskless":
		h.configure(vm, "disks", "none")
	case "vapp":
		pool := simulator.Map.Any("ResourcePool").(*simulator.ResourcePool)
		made := pool.CreateVApp(&types.CreateVApp{Name: "app of " + vm.Name, VmFolder: vm.Parent, ResSpec: pool.Config})
		if body, ok := made.(*methods.CreateVAppBody); ok && body.Res != nil {
			putInVApp(vm, body.Res.Returnval.Value)
		}
	}
}

var connectedRE = regexp.MustCompile(`(<(?:\w+:)?(?:startConnected|connected)>)(?:true|1)<`)

// unplugs gives the request to make a VM in which its cards are not connected.
func (h *hostile) unplugs(method string, body []byte) []byte {
	if method == "CreateVM_Task" && h.does("unplugged", "") {
		return connectedRE.ReplaceAll(body, []byte("${1}false<"))
	}
	return body
}
