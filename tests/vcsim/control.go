// What a test may tell the vCenter behind its back, and the rules for calls to come.

package main

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// rule says what becomes of the next `times` calls of `method` on `target` (a VM's or any other id; empty: any).
// Actions: fail (a task that ends with `text`, or a fault), ignore (answer as if done, do nothing),
// slow (the task runs for `ms`, or until released, and then acts), stall (the answer takes `ms` longer), lose (act, then close
// the connection), drop (close the connection without acting), hold (keep it, whether or not its sender
// stays, and act on it when released). With `lost` the answer of the first three is lost.
type rule struct {
	Method string
	Target string
	Action string
	Times  int
	Ms     int
	Text   string
	Fault  string // of what type the fault is; empty: GenericVmConfigFault
	Cause  string // the words of the fault that caused it; empty: none is told
	Lost   bool
	Time   time.Time
	Layout types.VirtualMachineFileLayoutEx

	Ask      bool // the task waits for an answer to the VM's question
	On       bool
	Exempt   string
	Here     bool
	Free     int64
	Capacity int64

	of *rule // the one that this is a copy of
}

type control struct {
	sdk    http.Handler
	boot   time.Duration
	events bool
	mu     sync.Mutex
	rules  []*rule
	calls  map[string]int
	bytes  map[string]int // of requests and answers, without HTTP's headers
	freed  chan struct{}
	late   []map[string]string
	roles  roles
	logins logins
	packs  bool // answers are compressed
	pieces pieces

	hostile *hostile
}

// match counts the call and takes the first rule for it; no rule: an empty one.
func (c *control) match(method, target string) rule {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[method]++
	for _, x := range c.rules {
		if x.Times != 0 && x.Method == method && (x.Target == "" || x.Target == target) {
			x.Times--
			taken := *x
			taken.of = x
			return taken
		}
	}
	return rule{}
}

// giveBack lets a rule hold for one more call: the one that it was taken for was refused before it began.
func (c *control) giveBack(taken rule) {
	if taken.of == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	taken.of.Times++
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
	case "bytes":
		_ = json.NewEncoder(w).Encode(c.bytes)
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
			c.hostile.fill(vm, []types.PropertyChange{
				{Name: "layoutEx.file", Val: x.Layout.File},
				{Name: "layoutEx.disk", Val: x.Layout.Disk},
				{Name: "layoutEx.snapshot", Val: x.Layout.Snapshot},
				{Name: "layoutEx.timestamp", Val: time.Now()},
			})
		})
	case "hostile":
		if !c.hostile.turn(x.Text, x.Target, x.On) {
			http.Error(w, "no such switch: "+x.Text, http.StatusBadRequest)
		}
	case "gzip":
		c.packs = x.On
	case "skew":
		c.hostile.setSkew(time.Duration(x.Ms) * time.Millisecond)
	case "clock":
		c.hostile.setClock(x.Target, time.Duration(x.Ms)*time.Millisecond)
	case "device":
		c.hostile.addDevice(vmNamed(x.Target), x.Text)
	case "config":
		c.hostile.configure(vmNamed(x.Target), x.Method, x.Text)
	case "base":
		c.hostile.clones.mu.Lock()
		c.hostile.clones.base = x.Text
		c.hostile.clones.mu.Unlock()
	case "destroyed":
		c.hostile.clones.mu.Lock()
		_ = json.NewEncoder(w).Encode(c.hostile.clones.destroyed)
		c.hostile.clones.mu.Unlock()
	case "vapp":
		putInVApp(vmNamed(x.Target), x.Text)
	case "network":
		addNetwork(x.Target, x.Text)
	case "question":
		c.hostile.willAsk(x.Target, x.Text)
	case "event":
		c.tellOf(vmNamed(x.Target), x.Method, x.Text)
	case "forget":
		c.forgetTasks(x.Text == "all")
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

func vmNamed(id string) *simulator.VirtualMachine {
	return simulator.Map.Get(types.ManagedObjectReference{Type: "VirtualMachine", Value: id}).(*simulator.VirtualMachine)
}

func set(vm *simulator.VirtualMachine, name string, val interface{}) {
	simulator.Map.WithLock(vm, func() {
		simulator.Map.Update(vm, []types.PropertyChange{{Name: name, Val: val}})
	})
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
