// LogUserEvent, which the library lacks: an event of a user's own on an entity, but not on a folder of VMs (API reference).

package main

import (
	"encoding/xml"
	"fmt"
	"net/http"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

var loggable = map[string]bool{"Datacenter": true, "VirtualMachine": true, "HostSystem": true,
	"ComputeResource": true, "ClusterComputeResource": true}

func (c *control) logUserEvent(w http.ResponseWriter, r *http.Request, body []byte) {
	var message struct {
		Body struct {
			Call struct {
				Entity types.ManagedObjectReference `xml:"entity"`
				Msg    string                       `xml:"msg"`
			} `xml:"LogUserEvent"`
		} `xml:"Body"`
	}
	if xml.Unmarshal(body, &message) != nil || c.ended(r) {
		c.forward(w, r, body)
		return
	}
	at, text := message.Body.Call.Entity, message.Body.Call.Msg
	entity, ok := simulator.Map.Get(at).(mo.Entity)
	if !ok || text == "" || (!loggable[at.Type] && at != vcenter) {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, envelope, `<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>A specified parameter was not correct: entity`+
			`</faultstring><detail><InvalidArgumentFault xmlns="urn:vim25" xsi:type="InvalidArgument"><invalidProperty>entity</invalidProperty>`+
			`</InvalidArgumentFault></detail></soapenv:Fault>`)
		return
	}
	argument := types.ManagedEntityEventArgument{
		EntityEventArgument: types.EntityEventArgument{Name: entity.Entity().Name}, Entity: at}
	c.post(c.logins.of(r), &types.GeneralUserEvent{
		GeneralEvent: types.GeneralEvent{Event: about(nil), Message: text}, Entity: &argument})
	fmt.Fprintf(w, envelope, `<LogUserEventResponse xmlns="urn:vim25"></LogUserEventResponse>`)
}
