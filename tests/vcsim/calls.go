// What becomes of a SOAP call: the rules are asked, then the library, and what a vCenter does besides is added.

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io/ioutil"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

var (
	callRE  = regexp.MustCompile(`<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)[^>]*>\s*<(?:\w+:)?_this[^>]*>([^<]*)<`)
	faultRE = regexp.MustCompile(`<detail>.*?xsi:type="(\w+)"`)
	taskRE  = regexp.MustCompile(`<returnval type="Task">([^<]*)<`)
)

const envelope = `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ` +
	`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>%s</soapenv:Body></soapenv:Envelope>`

func (c *control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := ioutil.ReadAll(r.Body)
	if strings.HasPrefix(r.URL.Path, "/control/") {
		c.command(w, strings.TrimPrefix(r.URL.Path, "/control/"), body)
		return
	}
	m := callRE.FindSubmatch(body)
	if m == nil {
		c.forward(w, r, body)
		return
	}
	if string(m[1]) == "PowerOnMultiVM_Task" {
		c.powerOnMulti(w, r, body)
		return
	}
	method, target := string(m[1]), vmOf(string(m[2]))
	count := func(bytes int) {
		c.mu.Lock()
		c.bytes[method] += bytes
		c.mu.Unlock()
	}
	count(len(body))
	w = &counted{ResponseWriter: w, count: count}
	body = c.hostile.unplugs(method, c.hostile.inbound(body))
	act := c.match(method, target)
	if method == "Login" && act.Action == "" {
		c.login(w, r, body)
		return
	}
	if act.Action == "" && c.roles.answers(w, r, body) {
		return
	}
	if method == "LogUserEvent" && act.Action == "" {
		c.logUserEvent(w, r, body)
		return
	}
	if method == "AnswerVM" {
		c.hostile.answer(w, target, body)
		return
	}
	if method == "QueryDateTime" && act.Action == "" {
		c.hostile.tellClock(w, target)
		return
	}
	if act.Action == "" && (c.refused(w, r, method, target) || c.locked(w, r, method, target, body)) {
		return
	}
	if act.Action == "" {
		act = c.hostile.paced(r, method, target)
	}
	if act.Action == "" || act.Action == "slow" || act.Action == "stall" || act.Action == "lose" {
		if !c.hostile.begin(method, target) {
			c.giveBack(act)
			refuseBusy(w)
			return
		}
		if act.Action != "slow" {
			defer c.hostile.end(method, target)
		}
	}
	switch act.Action {
	case "drop":
		hangUp(w)
	case "lose":
		c.act(httptest.NewRecorder(), r, body, method, target)
		hangUp(w)
	case "hold":
		c.mu.Lock()
		freed := c.freed
		c.mu.Unlock()
		<-freed
		out := httptest.NewRecorder()
		c.act(out, r.Clone(context.Background()), body, method, target)
		fault := ""
		if m := faultRE.FindStringSubmatch(out.Body.String()); m != nil {
			fault = m[1]
		}
		c.mu.Lock()
		c.late = append(c.late, map[string]string{"method": method, "fault": fault})
		c.mu.Unlock()
		hangUp(w)
	case "stall":
		time.Sleep(time.Duration(act.Ms) * time.Millisecond)
		c.act(w, r, body, method, target)
	case "ignore":
		if method == "ShutdownGuest" { // the guest takes no notice; that it was asked is told all the same
			c.tellAsked(c.logins.of(r), target)
		}
		if act.Lost {
			hangUp(w)
			return
		}
		fmt.Fprintf(w, envelope, `<`+method+`Response xmlns="urn:vim25"></`+method+`Response>`)
	case "fail":
		if !strings.HasSuffix(method, "_Task") {
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintf(w, envelope, `<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>`+act.Text+
				`</faultstring><detail><InvalidStateFault xmlns="urn:vim25" xsi:type="InvalidState"/></detail></soapenv:Fault>`)
			return
		}
		task := newTask(method, target)
		c.note(c.logins.of(r), method, target, task)
		finish(task, types.TaskInfoStateError, types.LocalizedMethodFault{
			Fault: because(faultOf(act.Fault), act.Cause), LocalizedMessage: act.Text})
		if act.Lost {
			hangUp(w)
			return
		}
		answerTask(w, method, task)
	case "slow":
		if c.ended(r) {
			c.hostile.end(method, target)
			c.forward(w, r, body)
			return
		}
		task := newTask(method, target)
		c.tellTask(c.logins.of(r), method, target, task.Self.Value)
		if act.Lost {
			hangUp(w)
		} else {
			answerTask(w, method, task)
		}
		c.mu.Lock()
		freed := c.freed
		c.mu.Unlock()
		go func() {
			defer c.hostile.end(method, target)
			if !c.hostile.wait(target, time.Duration(act.Ms)*time.Millisecond, act.Ask, freed) {
				finish(task, types.TaskInfoStateError, types.LocalizedMethodFault{
					Fault: new(types.GenericVmConfigFault), LocalizedMessage: "The operation was cancelled by the user."})
				return
			}
			out := httptest.NewRecorder()
			if method == "CloneVM_Task" {
				c.clone(out, c.own(r), body, target, false)
			} else {
				c.carryOut(out, c.own(r), body, method, target) // a task outlives the session that began it
			}
			state, fault := types.TaskInfoStateSuccess, interface{}(nil)
			if id := taskRE.FindStringSubmatch(out.Body.String()); id != nil {
				real := simulator.Map.Get(types.ManagedObjectReference{Type: "Task", Value: id[1]}).(*simulator.Task)
				simulator.Map.Update(task, []types.PropertyChange{{Name: "info.result", Val: real.Info.Result}})
				if state = real.Info.State; real.Info.Error != nil {
					fault = *real.Info.Error
				}
			}
			finish(task, state, fault)
		}()
	default:
		c.act(w, r, body, method, target)
	}
}

// posting keeps apart what the library lets block each other for ever: its collectors of events lock themselves and then
// their manager when they end, and who posts an event the other way round.
var posting sync.RWMutex

func (c *control) forward(w http.ResponseWriter, r *http.Request, body []byte) {
	method := ""
	if m := callRE.FindSubmatch(body); m != nil {
		method = string(m[1])
	}
	switch method {
	case "DestroyCollector", "SetCollectorPageSize":
		posting.Lock()
		defer posting.Unlock()
	case "WaitForUpdates", "WaitForUpdatesEx": // they post nothing, and take their time
	case "RetrieveProperties", "RetrievePropertiesEx":
		if bytes.Contains(body, []byte("<pathSet>vm</pathSet>")) {
			occupy()
		}
		posting.RLock()
		defer posting.RUnlock()
	default:
		posting.RLock()
		defer posting.RUnlock()
	}
	if c.give(w, r, method, body) {
		return
	}
	r = r.Clone(r.Context())
	c.logins.known(r)
	r.Body = ioutil.NopCloser(bytes.NewReader(body))
	out := httptest.NewRecorder()
	c.sdk.ServeHTTP(out, r)
	told := garble(r, c.hostile.outbound(method, body, out.Body.Bytes()))
	if method == "WaitForUpdatesEx" && c.hostile.does("pieces", "") {
		told = c.pieces.cut(string(callRE.FindSubmatch(body)[2]), body, told)
	}
	answer := c.pack(w, r, told)
	for name, values := range out.Header() {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(out.Code)
	_, _ = w.Write(answer)
}

const askTime = `<CurrentTime xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance</_this></CurrentTime>`

// ended says whether the session of a request is no more.
func (c *control) ended(r *http.Request) bool {
	out := httptest.NewRecorder()
	c.forward(out, r.Clone(context.Background()), []byte(fmt.Sprintf(envelope, askTime)))
	return out.Code != http.StatusOK
}

// faultOf makes a fault of that type, without facts of its own.
func faultOf(name string) types.BaseMethodFault {
	if kind, ok := types.TypeFunc()(name); ok {
		if fault, ok := reflect.New(kind).Interface().(types.BaseMethodFault); ok {
			return fault
		}
	}
	return new(types.GenericVmConfigFault)
}

// because gives a fault the one that caused it, in those words: CannotAccessVmDisk.fault, else MethodFault.faultCause.
func because(fault types.BaseMethodFault, words string) types.BaseMethodFault {
	cause := types.LocalizedMethodFault{Fault: new(types.FileFault), LocalizedMessage: words}
	if disk, ok := fault.(*types.CannotAccessVmDisk); ok {
		disk.Backing, disk.Fault = "[LocalDS_0] x/disk.vmdk", cause
	} else if words != "" {
		fault.GetMethodFault().FaultCause = &cause
	}
	return fault
}

// refused says no where a real vCenter would, and the library would not.
func (c *control) refused(w http.ResponseWriter, r *http.Request, method, target string) bool {
	vm, ok := simulator.Map.Get(types.ManagedObjectReference{Type: "VirtualMachine", Value: target}).(*simulator.VirtualMachine)
	if !ok || method != "CreateSnapshot_Task" {
		return false
	}
	text := c.hostile.refusesSnapshot(vm)
	if text == "" {
		return false
	}
	task := newTask(method, target)
	c.note(c.logins.of(r), method, target, task)
	finish(task, types.TaskInfoStateError, types.LocalizedMethodFault{Fault: new(types.SnapshotFault), LocalizedMessage: text})
	answerTask(w, method, task)
	return true
}

// act carries a call out and tells of its task.
func (c *control) act(w http.ResponseWriter, r *http.Request, body []byte, method, target string) {
	if !strings.HasSuffix(method, "_Task") {
		c.carryOut(w, r, body, method, target)
		return
	}
	if method == "CloneVM_Task" {
		c.clone(w, r, body, target, true)
		return
	}
	out := httptest.NewRecorder()
	c.carryOut(out, r, body, method, target)
	if id := taskRE.FindStringSubmatch(out.Body.String()); id != nil {
		c.tellTask(c.logins.of(r), method, target, id[1])
	}
	replay(w, out)
}

// replay gives an answer that was kept back.
func replay(w http.ResponseWriter, out *httptest.ResponseRecorder) {
	for name, values := range out.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(out.Code)
	_, _ = w.Write(out.Body.Bytes())
}

// carryOut does what a call says, and adds what a vCenter does besides and the library leaves out.
func (c *control) carryOut(w http.ResponseWriter, r *http.Request, body []byte, method, target string) {
	ref := types.ManagedObjectReference{Type: "VirtualMachine", Value: target}
	vm, _ := simulator.Map.Get(ref).(*simulator.VirtualMachine)
	before, seen := placeOf(vm), &noted{ResponseWriter: w}
	if method == "Destroy_Task" && vm != nil && vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
		end := c.hostile.clones.takes(vm)
		defer func() {
			if !seen.refused {
				c.hostile.clones.ended(end)
			}
		}()
	}
	c.forward(seen, r, body)
	if method == "SetField" && !seen.refused && c.hostile.does("fields", "") {
		c.tellField(c.logins.of(r), body)
	}
	if vm == nil || seen.refused {
		return
	}
	c.tellMoves(c.logins.of(r), vm, before)
	running := vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn
	switch method {
	case "CreateSnapshot_Task":
		c.hostile.keep(vm, body)
		c.hostile.relist(vm)
	case "RemoveSnapshot_Task", "RemoveAllSnapshots_Task":
		c.hostile.relist(vm)
	case "ReconfigVM_Task":
		c.hostile.changed(vm)
		c.hostile.relist(vm)
	case "RevertToSnapshot_Task": // without memory the VM is off afterwards
		set(vm, "runtime.powerState", c.hostile.takeBack(vm))
		c.guest(vm, "guestToolsNotRunning", "")
		c.hostile.changed(vm)
		c.hostile.relist(vm)
	case "ShutdownGuest", "PowerOffVM_Task":
		if !running {
			c.guest(vm, "guestToolsNotRunning", "")
		}
	case "PowerOnVM_Task":
		if running && c.boot >= 0 {
			time.AfterFunc(c.boot, func() { c.guest(vm, "guestToolsRunning", "10.0.0."+target[strings.LastIndex(target, "-")+1:]) })
		}
	}
}

// noted knows whether what it passes on is a fault.
type noted struct {
	http.ResponseWriter
	refused bool
}

func (n *noted) WriteHeader(status int) {
	n.refused = status >= 400
	n.ResponseWriter.WriteHeader(status)
}

// guest tells of VMware Tools and the address; only with -boot, else a test says it itself.
func (c *control) guest(vm *simulator.VirtualMachine, tools, ip string) {
	if c.boot >= 0 {
		set(vm, "guest.toolsRunningStatus", tools)
		set(vm, "guest.ipAddress", ip)
	}
}

func answerTask(w http.ResponseWriter, method string, task *simulator.Task) {
	fmt.Fprintf(w, envelope, `<`+method+`Response xmlns="urn:vim25"><returnval type="Task">`+task.Self.Value+
		`</returnval></`+method+`Response>`)
}

func hangUp(w http.ResponseWriter) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		return // of a call within another one
	}
	if conn, _, err := hijacker.Hijack(); err == nil {
		_ = conn.Close()
	}
}

// counted counts the bytes of an answer, before they leave: whoever has read them asks for the count at once.
type counted struct {
	http.ResponseWriter
	count func(bytes int)
}

func (w *counted) Write(data []byte) (int, error) {
	w.count(len(data))
	return w.ResponseWriter.Write(data)
}

func (w *counted) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if hijacker, ok := w.ResponseWriter.(http.Hijacker); ok {
		return hijacker.Hijack()
	}
	return nil, nil, http.ErrNotSupported
}
