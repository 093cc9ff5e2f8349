// A vCenter to test against: VMware's simulator library, with the means to make it misbehave.
//
// One JSON line {"url", "certificate"} goes to stdout when it is ready; it ends when its stdin closes,
// so that no test leaves it behind. Beside /sdk it answers, without a login:
//
//	POST /control/calls       how often each SOAP method was called
//	POST /control/rules       {"method", "target", "action", "times", "ms", "text"}; see type rule
//	POST /control/clear       drop all rules
//	POST /control/release     carry out what a rule "hold" kept back
//	POST /control/late        what became of it: [{"method", "fault"}]
//	POST /control/snapshot    {"target": "snapshot-7", "time": "2026-11-22T10:42:00Z"}: its creation time; or "text": its name
//	POST /control/connection  {"target": "vm-7", "text": "disconnected"}
//	POST /control/layout      {"target": "vm-7", "layout": {"file": [], "disk": [], "snapshot": []}}: its layoutEx
//	POST /control/deny        {"text": "Network.Assign", "target": "network-7", "here": false, "exempt": cookie}; see roles.go
//	POST /control/grant       all privileges for everybody again
//	POST /control/room        {"target": "LocalDS_0", "free": 1, "capacity": 2}: bytes of a datastore
//	POST /control/password    {"text": "the password from now on"}
//	POST /control/user        {"text": "j.doe@corp.example", "target": "10.0.0.7"}: may log in too, seen from there
//	POST /control/drs         {"target": "", "text": "fullyAutomated"}: of all clusters, or of the one VM "vm-7"
//	POST /control/schedule    {"target": "vm-7", "method": "CreateSnapshot_Task", "text": "nightly"}: a scheduled task
//
// What a vCenter tells in events and the library does not, it adds: a TaskEvent for each task on a VM, migrations,
// renamings; each with the user of the call. So it does with scheduled tasks. -events=false: the library alone.
// A session's cookie is a secret, and not its key, which others may read.
package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io/ioutil"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// rule says what becomes of the next `times` calls of `method` on `target` (a VM's or any other id; empty: any).
// Actions: fail (a task that ends with `text`, or a fault), ignore (answer as if done, do nothing),
// slow (the task runs for `ms` and then acts), stall (the answer takes `ms` longer), lose (act, then close
// the connection), drop (close the connection without acting), hold (keep it, whether or not its sender
// stays, and act on it when released).
type rule struct {
	Method string
	Target string
	Action string
	Times  int
	Ms     int
	Text   string
	Time   time.Time
	Layout types.VirtualMachineFileLayoutEx

	Exempt   string
	Here     bool
	Free     int64
	Capacity int64
}

type control struct {
	sdk    http.Handler
	boot   time.Duration
	events bool
	mu     sync.Mutex
	rules  []*rule
	calls  map[string]int
	freed  chan struct{}
	late   []map[string]string
	roles  roles
	logins logins
}

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
	method, target := string(m[1]), vmOf(string(m[2]))
	act := c.match(method, target)
	if method == "Login" && act.Action == "" {
		c.login(w, r, body)
		return
	}
	if act.Action == "" && c.roles.answers(w, r, body) {
		return
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
		fmt.Fprintf(w, envelope, `<`+method+`Response xmlns="urn:vim25"></`+method+`Response>`)
	case "fail":
		if !strings.HasSuffix(method, "_Task") {
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintf(w, envelope, `<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>`+act.Text+
				`</faultstring><detail><InvalidStateFault xmlns="urn:vim25" xsi:type="InvalidState"/></detail></soapenv:Fault>`)
			return
		}
		task := newTask(method, target)
		finish(task, types.TaskInfoStateError, types.LocalizedMethodFault{
			Fault: new(types.GenericVmConfigFault), LocalizedMessage: act.Text})
		answerTask(w, method, task)
	case "slow":
		if c.ended(r) {
			c.forward(w, r, body)
			return
		}
		task := newTask(method, target)
		c.tellTask(c.logins.of(r), method, target, task.Self.Value)
		answerTask(w, method, task)
		go func() {
			time.Sleep(time.Duration(act.Ms) * time.Millisecond)
			out := httptest.NewRecorder()
			c.carryOut(out, c.own(r), body, method, target) // a task outlives the session that began it
			state, fault := types.TaskInfoStateSuccess, interface{}(nil)
			if id := taskRE.FindStringSubmatch(out.Body.String()); id != nil {
				real := simulator.Map.Get(types.ManagedObjectReference{Type: "Task", Value: id[1]}).(*simulator.Task)
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

// match counts the call and takes the first rule for it; no rule: an empty one.
func (c *control) match(method, target string) rule {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[method]++
	for _, x := range c.rules {
		if x.Times != 0 && x.Method == method && (x.Target == "" || x.Target == target) {
			x.Times--
			return *x
		}
	}
	return rule{}
}

func (c *control) forward(w http.ResponseWriter, r *http.Request, body []byte) {
	r = r.Clone(r.Context())
	c.logins.known(r)
	r.Body = ioutil.NopCloser(bytes.NewReader(body))
	c.sdk.ServeHTTP(w, r)
}

const askTime = `<CurrentTime xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance</_this></CurrentTime>`

// ended says whether the session of a request is no more.
func (c *control) ended(r *http.Request) bool {
	out := httptest.NewRecorder()
	c.forward(out, r.Clone(context.Background()), []byte(fmt.Sprintf(envelope, askTime)))
	return out.Code != http.StatusOK
}

// act carries a call out and tells of its task.
func (c *control) act(w http.ResponseWriter, r *http.Request, body []byte, method, target string) {
	if !strings.HasSuffix(method, "_Task") {
		c.carryOut(w, r, body, method, target)
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
	c.forward(seen, r, body)
	if vm == nil || seen.refused {
		return
	}
	c.tellMoves(c.logins.of(r), vm, before)
	running := vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn
	switch method {
	case "RevertToSnapshot_Task": // all snapshots here are without memory: the VM is off afterwards
		set(vm, "runtime.powerState", types.VirtualMachinePowerStatePoweredOff)
		c.guest(vm, "guestToolsNotRunning", "")
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

func set(vm *simulator.VirtualMachine, name string, val interface{}) {
	simulator.Map.WithLock(vm, func() {
		simulator.Map.Update(vm, []types.PropertyChange{{Name: name, Val: val}})
	})
}

func (c *control) command(w http.ResponseWriter, what string, body []byte) {
	var x rule
	if len(body) > 0 {
		if err := json.Unmarshal(body, &x); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch what {
	case "calls":
		_ = json.NewEncoder(w).Encode(c.calls)
	case "rules":
		c.rules = append(c.rules, &x)
	case "clear":
		c.rules = nil
	case "release":
		close(c.freed)
		c.freed = make(chan struct{})
	case "late":
		_ = json.NewEncoder(w).Encode(c.late)
	case "deny":
		c.roles.deny(x.Text, x.Target, x.Here, x.Exempt)
	case "grant":
		c.roles.grantAll()
	case "password":
		c.logins.change(x.Text)
	case "room":
		for _, entity := range simulator.Map.All("Datastore") {
			if store := entity.(*simulator.Datastore); store.Name == x.Target {
				simulator.Map.WithLock(store, func() {
					simulator.Map.Update(store, []types.PropertyChange{
						{Name: "summary.freeSpace", Val: x.Free}, {Name: "summary.capacity", Val: x.Capacity},
					})
				})
			}
		}
	case "connection":
		vm := simulator.Map.Get(types.ManagedObjectReference{Type: "VirtualMachine", Value: x.Target})
		set(vm.(*simulator.VirtualMachine), "runtime.connectionState", types.VirtualMachineConnectionState(x.Text))
	case "layout": // the library makes no delta disks
		vm := simulator.Map.Get(types.ManagedObjectReference{Type: "VirtualMachine", Value: x.Target}).(*simulator.VirtualMachine)
		simulator.Map.WithLock(vm, func() {
			simulator.Map.Update(vm, []types.PropertyChange{
				{Name: "layoutEx.file", Val: x.Layout.File},
				{Name: "layoutEx.disk", Val: x.Layout.Disk},
				{Name: "layoutEx.snapshot", Val: x.Layout.Snapshot},
				{Name: "layoutEx.timestamp", Val: time.Now()},
			})
		})
	case "user":
		c.logins.add(x.Text, x.Target)
	case "drs":
		setDrs(x.Target, x.Text)
	case "schedule":
		schedule(x.Target, x.Method, x.Text)
	case "snapshot":
		ref := types.ManagedObjectReference{Type: "VirtualMachine", Value: vmOf(x.Target)}
		vm := simulator.Map.Get(ref).(*simulator.VirtualMachine)
		changed(vm.Snapshot.RootSnapshotList, x.Target, x.Time, x.Text)
		set(vm, "snapshot.rootSnapshotList", vm.Snapshot.RootSnapshotList)
	default:
		http.NotFound(w, nil)
	}
}

// changed gives the snapshot `id` another creation time, or another name.
func changed(tree []types.VirtualMachineSnapshotTree, id string, at time.Time, name string) {
	for i := range tree {
		if tree[i].Snapshot.Value == id {
			if name != "" {
				tree[i].Name = name
			} else {
				tree[i].CreateTime = at
			}
		}
		changed(tree[i].ChildSnapshotList, id, at, name)
	}
}

// vmOf gives the VM that a snapshot belongs to, and any other id as it is.
func vmOf(id string) string {
	ref := types.ManagedObjectReference{Type: "VirtualMachineSnapshot", Value: id}
	if s, ok := simulator.Map.Get(ref).(*simulator.VirtualMachineSnapshot); ok {
		return s.Vm.Value
	}
	return id
}

// newTask makes a task that runs until finish, seen in the VM's recentTask as in a vCenter.
func newTask(method, target string) *simulator.Task {
	ref := types.ManagedObjectReference{Type: "VirtualMachine", Value: target}
	task := simulator.CreateTask(ref, strings.TrimSuffix(method, "_Task"), nil)
	simulator.Map.Update(task, []types.PropertyChange{{Name: "info.state", Val: types.TaskInfoStateRunning}})
	if vm, ok := simulator.Map.Get(ref).(*simulator.VirtualMachine); ok {
		set(vm, "recentTask", append(vm.RecentTask, task.Self))
	}
	return task
}

func finish(task *simulator.Task, state types.TaskInfoState, fault interface{}) {
	simulator.Map.Update(task, []types.PropertyChange{{Name: "info.error", Val: fault}, {Name: "info.state", Val: state}})
}

func answerTask(w http.ResponseWriter, method string, task *simulator.Task) {
	fmt.Fprintf(w, envelope, `<`+method+`Response xmlns="urn:vim25"><returnval type="Task">`+task.Self.Value+
		`</returnval></`+method+`Response>`)
}

func hangUp(w http.ResponseWriter) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// certificate makes a self-signed one for this machine; the library's own is too weak for a strict client.
func certificate(name string, valid time.Duration) (tls.Certificate, string) {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(valid),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		log.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(text)
}

func main() {
	model := simulator.VPX()
	model.Portgroup, model.Datastore = 2, 2
	flag.IntVar(&model.Machine, "vms", 0, "VMs of the simulator's own per resource pool")
	flag.IntVar(&model.ClusterHost, "hosts", 2, "hosts in the cluster")
	port := flag.Int("port", 0, "port; 0: a free one")
	user := flag.String("user", "drdeck@vsphere.local", "who may log in")
	password := flag.String("password", "secret", "with which password")
	useTLS := flag.Bool("tls", true, "https with a self-signed certificate")
	name := flag.String("name", "drdeck test vCenter", "whose certificate it is")
	valid := flag.Duration("valid", 9000*time.Hour, "from now until the certificate ends; negative: it has ended")
	events := flag.Bool("events", true, "tell in events what a vCenter tells, not only what the library does")
	boot := flag.Duration("boot", -1, "from power on to VMware Tools and an address; negative: never")
	home := flag.String("home", "", "directory for its datastores, removed at the end with all that is in it")
	verbose := flag.Bool("v", false, "log to stderr")
	flag.Parse()
	if !*verbose {
		log.SetOutput(ioutil.Discard)
	}
	if *home != "" {
		_ = os.Setenv("TMPDIR", *home)
	}
	if err := model.Create(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	mendTemplates()
	ready := map[string]string{}
	if *useTLS {
		pair, text := certificate(*name, *valid)
		model.Service.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
		ready["certificate"] = text
	}
	model.Service.Listen = &url.URL{Host: fmt.Sprintf("127.0.0.1:%d", *port)}
	if *events {
		addScheduler()
	}
	server := model.Service.NewServer()
	server.Config.Handler = &control{sdk: server.Config.Handler, boot: *boot, events: *events, calls: map[string]int{},
		freed: make(chan struct{}), logins: newLogins(*user, *password)}
	ready["url"] = (&url.URL{Scheme: server.URL.Scheme, Host: server.URL.Host, Path: server.URL.Path}).String()
	_ = json.NewEncoder(os.Stdout).Encode(ready)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	go func() {
		_, _ = ioutil.ReadAll(os.Stdin)
		stop <- syscall.SIGTERM
	}()
	<-stop
	model.Remove()
	if *home != "" {
		_ = os.RemoveAll(*home)
	}
	os.Exit(0)
}
