// PowerOnMultiVM_Task: each VM as by a call of its own, with the rules for that; its own task succeeds whatever becomes of them.

package main

import (
	"fmt"
	"io/ioutil"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

var (
	togetherRE = regexp.MustCompile(`<(?:\w+:)?vm[^>]*>([^<]*)<`)
	overrideRE = regexp.MustCompile(`OverrideAutomationLevel</key><value[^>]*>fullyAutomated<`)
	wordsRE    = regexp.MustCompile(`<faultstring>([^<]*)<`)
)

const powerOnCall = `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>` +
	`<PowerOnVM_Task xmlns="urn:vim25"><_this type="VirtualMachine">%s</_this></PowerOnVM_Task></soapenv:Body></soapenv:Envelope>`

func (c *control) powerOnMulti(w http.ResponseWriter, r *http.Request, body []byte) {
	method := "PowerOnMultiVM_Task"
	ids := togetherRE.FindAllSubmatch(body, -1)
	act := c.match(method, "")
	if act.Action == "drop" || len(ids) == 0 || c.ended(r) {
		hangUp(w)
		return
	}
	if act.Action == "deny" { // VMware's tables of privileges name the datacenter for it, beside each VM
		refuse(w, types.ManagedObjectReference{Type: "Datacenter", Value: "datacenter-2"}, "VirtualMachine.Interact.PowerOn")
		return
	}
	task := newTask(method, string(ids[0][1]))
	if act.Action == "fail" { // as a whole, whichever of the VMs is the reason
		finish(task, types.TaskInfoStateError, types.LocalizedMethodFault{Fault: new(types.GenericVmConfigFault), LocalizedMessage: act.Text})
		answerTask(w, method, task)
		return
	}
	result := types.ClusterPowerOnVmResult{}
	overridden := overrideRE.Match(body)
	for _, m := range ids {
		c.startOne(r, string(m[1]), overridden, &result)
	}
	simulator.Map.Update(task, []types.PropertyChange{{Name: "info.result", Val: result}})
	finish(task, types.TaskInfoStateSuccess, nil)
	if act.Action == "lose" {
		hangUp(w)
		return
	}
	answerTask(w, method, task)
}

// startOne starts a VM; DRS only recommends it where it is manual for the VM, unless that is overridden for all that the
// cluster's own level holds for.
func (c *control) startOne(r *http.Request, id string, overridden bool, result *types.ClusterPowerOnVmResult) {
	ref := types.ManagedObjectReference{Type: "VirtualMachine", Value: id}
	if (c.hostile.does("drsmanual", id) && !overridden) || manualVM(id) {
		result.Recommendations = append(result.Recommendations, types.ClusterRecommendation{
			Key: id, Type: "V1", Time: time.Now(), Rating: 5, Reason: "powerOnVm", ReasonText: "Place " + id + " on a host",
			Target: &ref})
		return
	}
	inner := r.Clone(r.Context())
	inner.Body = ioutil.NopCloser(strings.NewReader(fmt.Sprintf(powerOnCall, id)))
	out := httptest.NewRecorder()
	c.ServeHTTP(out, inner)
	if m := taskRE.FindStringSubmatch(out.Body.String()); m != nil {
		attempt := types.ClusterAttemptedVmInfo{Vm: ref}
		task := types.ManagedObjectReference{Type: "Task", Value: m[1]}
		began, ok := simulator.Map.Get(task).(*simulator.Task)
		if !c.hostile.does("drstasks", id) || (ok && began.Info.Error != nil) {
			attempt.Task = &task
		}
		result.Attempted = append(result.Attempted, attempt)
		return
	}
	words := "It was not attempted."
	if m := wordsRE.FindStringSubmatch(out.Body.String()); m != nil {
		words = m[1]
	}
	result.NotAttempted = append(result.NotAttempted, types.ClusterNotAttemptedVmInfo{Vm: ref,
		Fault: types.LocalizedMethodFault{Fault: new(types.InsufficientResourcesFault), LocalizedMessage: words}})
}
