package main

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// roles takes privileges away from everybody but the session with the cookie `exempt`, which is the test's own:
// the library grants all to all.
type roles struct {
	mu     sync.Mutex
	denied []denial
	exempt string
}

// denial: the privilege is missing on `target`, and below it unless `here`; an empty target is everywhere.
type denial struct {
	privilege, target string
	here              bool
}

// asked is as much of a call as decides about a privilege.
type asked struct {
	Call struct {
		XMLName xml.Name
		This    types.ManagedObjectReference   `xml:"_this"`
		Entity  []types.ManagedObjectReference `xml:"entity"`
		PrivID  []string                       `xml:"privId"`
		Spec    struct {
			Change []struct {
				Operation string `xml:"operation"`
				Device    struct {
					Type      string `xml:"type,attr"`
					Network   string `xml:"backing>network"`
					Portgroup string `xml:"backing>port>portgroupKey"`
				} `xml:"device"`
			} `xml:"deviceChange"`
		} `xml:"spec"`
		Paths []string `xml:"specSet>propSet>pathSet"`
	} `xml:",any"`
}

var needs = map[string]string{
	"PowerOnVM_Task":          "VirtualMachine.Interact.PowerOn",
	"PowerOffVM_Task":         "VirtualMachine.Interact.PowerOff",
	"ShutdownGuest":           "VirtualMachine.Interact.PowerOff",
	"CreateSnapshot_Task":     "VirtualMachine.State.CreateSnapshot",
	"RevertToSnapshot_Task":   "VirtualMachine.State.RevertToSnapshot",
	"RemoveSnapshot_Task":     "VirtualMachine.State.RemoveSnapshot",
	"RemoveAllSnapshots_Task": "VirtualMachine.State.RemoveSnapshot",
	"ReconfigVM_Task":         "VirtualMachine.Config.EditDevice",
	"CloneVM_Task":            "VirtualMachine.Provisioning.Clone",
	"Destroy_Task":            "VirtualMachine.Inventory.Delete",
	"SetField":                "Global.SetCustomField",
	"AddCustomFieldDef":       "Global.ManageCustomFields",
	"RemoveCustomFieldDef":    "Global.ManageCustomFields",
	"TerminateSession":        terminate,
	"LogUserEvent":            "Global.LogEvent",
}

const terminate = "Sessions.TerminateSession"

// unlisted is what a vCenter answers to who may not see the list of sessions: no fault, only nothing in it.
const unlisted = `<RetrievePropertiesExResponse xmlns="urn:vim25"><returnval><objects><obj type="SessionManager">SessionManager</obj>` +
	`<missingSet><path>sessionList</path><fault><fault xsi:type="NoPermission"><object type="Folder">group-d1</object>` +
	`<privilegeId>` + terminate + `</privilegeId></fault><localizedMessage></localizedMessage></fault></missingSet></objects></returnval>` +
	`</RetrievePropertiesExResponse>`

var vcenter = types.ManagedObjectReference{Type: "Folder", Value: "group-d1"} // where privileges on all of it are

func (r *roles) deny(privilege, target string, here bool, exempt string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.denied, r.exempt = append(r.denied, denial{privilege, target, here}), exempt
}

func (r *roles) grantAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.denied = nil
}

// lacks tells whether a privilege is missing on an object, or on one that it is in.
func (r *roles) lacks(privilege string, ref types.ManagedObjectReference) bool {
	for here := true; ; here = false {
		for _, d := range r.denied {
			if d.privilege == privilege && (d.target == "" || d.target == ref.Value && (here || !d.here)) {
				return true
			}
		}
		entity, ok := simulator.Map.Get(ref).(mo.Entity)
		if !ok || entity.Entity().Parent == nil {
			return false
		}
		ref = *entity.Entity().Parent
	}
}

// answers says no, where a no is due, or answers what privileges there are; false: the call is not its business.
func (r *roles) answers(w http.ResponseWriter, req *http.Request, body []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.denied) == 0 || (r.exempt != "" && strings.Contains(req.Header.Get("Cookie"), r.exempt)) {
		return false
	}
	var message struct {
		Body asked `xml:"Body"`
	}
	if xml.Unmarshal(body, &message) != nil {
		return false
	}
	call := message.Body.Call
	method := call.XMLName.Local
	if method == "HasPrivilegeOnEntities" {
		r.tell(w, call.Entity, call.PrivID)
		return true
	}
	if len(call.Paths) == 1 && call.Paths[0] == "sessionList" && r.lacks(terminate, vcenter) {
		fmt.Fprintf(w, envelope, unlisted)
		return true
	}
	privilege, known := needs[method]
	if !known {
		return false
	}
	at := call.This
	switch method {
	case "SetField", "LogUserEvent":
		at = call.Entity[0]
	case "AddCustomFieldDef", "RemoveCustomFieldDef", "TerminateSession":
		at = vcenter
	case "RevertToSnapshot_Task", "RemoveSnapshot_Task":
		at = types.ManagedObjectReference{Type: "VirtualMachine", Value: vmOf(at.Value)}
	case "ReconfigVM_Task":
		if len(call.Spec.Change) == 0 {
			return false
		}
		// ReconfigVM_Task wants VirtualMachine.Config.RemoveDisk to remove a virtual disk (API reference)
		if first := call.Spec.Change[0]; first.Operation == "remove" && strings.HasSuffix(first.Device.Type, "VirtualDisk") {
			privilege = "VirtualMachine.Config.RemoveDisk"
		}
	}
	if r.lacks(privilege, at) {
		refuse(w, at, privilege)
		return true
	}
	for _, change := range call.Spec.Change {
		network := types.ManagedObjectReference{Type: "Network", Value: change.Device.Network}
		if change.Device.Portgroup != "" {
			network = types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: change.Device.Portgroup}
		}
		if r.lacks("Network.Assign", network) {
			refuse(w, network, "Network.Assign")
			return true
		}
	}
	return false
}

func (r *roles) tell(w http.ResponseWriter, entities []types.ManagedObjectReference, privileges []string) {
	var said strings.Builder
	for _, entity := range entities {
		if r.lacks("System.Read", entity) {
			refuse(w, entity, "System.Read")
			return
		}
		fmt.Fprintf(&said, `<returnval><entity type="%s">%s</entity>`, entity.Type, entity.Value)
		for _, privilege := range privileges {
			fmt.Fprintf(&said, `<privAvailability><privId>%s</privId><isGranted>%t</isGranted></privAvailability>`,
				privilege, !r.lacks(privilege, entity))
		}
		said.WriteString(`</returnval>`)
	}
	fmt.Fprintf(w, envelope, `<HasPrivilegeOnEntitiesResponse xmlns="urn:vim25">`+said.String()+`</HasPrivilegeOnEntitiesResponse>`)
}

func refuse(w http.ResponseWriter, at types.ManagedObjectReference, privilege string) {
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, envelope, fmt.Sprintf(`<soapenv:Fault><faultcode>ServerFaultCode</faultcode>`+
		`<faultstring>Permission to perform this operation was denied.</faultstring><detail>`+
		`<NoPermissionFault xmlns="urn:vim25" xsi:type="NoPermission"><object type="%s">%s</object>`+
		`<privilegeId>%s</privilegeId></NoPermissionFault></detail></soapenv:Fault>`, at.Type, at.Value, privilege))
}
