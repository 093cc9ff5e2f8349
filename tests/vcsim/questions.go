// Questions that block a VM until somebody answers.

package main

import (
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// question is asked at the next power on of a VM; the answer comes by `answered`: its choice's key.
type question struct {
	info     types.VirtualMachineQuestionInfo
	cancel   string
	open     bool
	answered chan string
}

var questionRE = regexp.MustCompile(`<(?:\w+:)?questionId[^>]*>([^<]*)<[\s\S]*<(?:\w+:)?answerChoice[^>]*>([^<]*)<`)

func choices(labels ...string) types.ChoiceOption {
	option := types.ChoiceOption{DefaultIndex: 0}
	for i, label := range labels {
		option.ChoiceInfo = append(option.ChoiceInfo, &types.ElementDescription{
			Description: types.Description{Label: label, Summary: label}, Key: fmt.Sprint(i)})
	}
	return option
}

// willAsk makes the next power on of a VM ask: "uuid" (moved or copied), "cdrom", "space".
func (h *hostile) willAsk(vm, kind string) {
	q := &question{answered: make(chan string, 1)}
	id, text := "msg.uuid.altered", "This virtual machine might have been moved or copied."
	option := choices("button.uuid.cancel", "button.uuid.movedTheVM", "button.uuid.copiedTheVM")
	q.cancel = "0"
	switch kind {
	case "cdrom":
		id, text = "msg.cdromdisconnect.locked", "The guest operating system has locked the CD-ROM door. Disconnect anyway?"
		option, q.cancel = choices("button.yes", "button.no"), "1"
	case "space":
		id, text = "msg.hbacommon.outofspace", "There is no more space for virtual disk x.vmdk."
		option, q.cancel = choices("button.retry", "button.abort"), "1"
	}
	q.info = types.VirtualMachineQuestionInfo{Id: fmt.Sprintf("%d", time.Now().UnixNano()), Text: text, Choice: option,
		Message: []types.VirtualMachineMessage{{Id: id, Text: text}}}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked[vm] = q
}

// wait lets a task take its time, and waits for the answer where it has to ask; false: it was cancelled.
func (h *hostile) wait(vm string, last time.Duration, ask bool, freed chan struct{}) bool {
	select {
	case <-time.After(last):
	case <-freed:
	}
	h.mu.Lock()
	q := h.asked[vm]
	h.mu.Unlock()
	if !ask || q == nil {
		return true
	}
	machine := vmNamed(vm)
	q.open = true
	set(machine, "runtime.question", &q.info)
	choice := <-q.answered
	set(machine, "runtime.question", nil)
	return choice != q.cancel
}

// answer is AnswerVM; a question that is not asked now is refused, as by a vCenter that has the answer already.
func (h *hostile) answer(w http.ResponseWriter, vm string, body []byte) {
	m := questionRE.FindSubmatch(body)
	h.mu.Lock()
	q := h.asked[vm]
	ok := m != nil && q != nil && q.open && q.info.Id == string(m[1])
	if ok {
		delete(h.asked, vm)
	}
	h.mu.Unlock()
	if !ok {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, envelope, `<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>A specified parameter was not correct: questionId`+
			`</faultstring><detail><InvalidArgumentFault xmlns="urn:vim25" xsi:type="InvalidArgument"><invalidProperty>questionId</invalidProperty></InvalidArgumentFault></detail></soapenv:Fault>`)
		return
	}
	q.answered <- string(m[2])
	fmt.Fprintf(w, envelope, `<AnswerVMResponse xmlns="urn:vim25"></AnswerVMResponse>`)
}

// paced gives the rule by which a call takes the time that it takes at a vCenter, or asks.
func (h *hostile) paced(r *http.Request, method, vm string) rule {
	h.mu.Lock()
	q := h.asked[vm]
	h.mu.Unlock()
	if q == nil && method == "PowerOnVM_Task" && fromDrdeck(r) && h.does("questions", vm) {
		h.willAsk(vm, "uuid")
		return rule{Action: "slow", Ask: true}
	}
	if q != nil && method == "PowerOnVM_Task" {
		return rule{Action: "slow", Ask: true}
	}
	if h.pace > 0 && takesTime[method] && fromDrdeck(r) && h.does("pace", vm) {
		return rule{Action: "slow", Ms: int(h.pace / time.Millisecond)}
	}
	return rule{}
}

// takesTime are the tasks that a datastore is busy with for a while.
var takesTime = map[string]bool{"CreateSnapshot_Task": true, "RemoveSnapshot_Task": true, "RemoveAllSnapshots_Task": true}
