// A vCenter to test against: VMware's simulator library, with the means to make it misbehave.
//
// One JSON line {"url", "certificate"} goes to stdout when it is ready; it ends when its stdin closes,
// so that no test leaves it behind. Beside /sdk it answers, without a login:
//
//	POST /control/calls       how often each SOAP method was called
//	POST /control/bytes       bytes of requests and answers by method, without HTTP's headers
//	POST /control/rules       {"method", "target", "action", "times", "ms", "text"}; see type rule
//	POST /control/clear       drop all rules
//	POST /control/release     carry out what a rule "hold" kept back, and end the tasks of a rule "slow"
//	POST /control/late        what became of it: [{"method", "fault"}]
//	POST /control/forget      tasks that are over leave recentTask, as after 10 minutes; "all": and the history
//	POST /control/snapshot    {"target": "snapshot-7", "time": "2026-11-22T10:42:00Z"}: its creation time; or "text": its name
//	POST /control/connection  {"target": "vm-7", "text": "disconnected"}
//	POST /control/layout      {"target": "vm-7", "layout": {"file": [], "disk": [], "snapshot": []}}: its layoutEx
//	POST /control/deny        {"text": "Network.Assign", "target": "network-7", "here": false, "exempt": cookie}; see roles.go
//	POST /control/grant       all privileges for everybody again
//	POST /control/room        {"target": "LocalDS_0", "free": 1, "capacity": 2}: bytes of a datastore
//	POST /control/password    {"text": "the password from now on"}
//	POST /control/user        {"text": "j.doe@corp.example", "target": "10.0.0.7"}: may log in too, seen from there
//	POST /control/drs         {"target": "", "text": "fullyAutomated"}: of all clusters, or of the one VM "vm-7"
//	POST /control/hostile     {"text": "quiet", "target": "vm-7", "on": false}: one of the ways of hostile.go, of all or for a VM
//	POST /control/skew        {"ms": 600000}: the hosts' clocks, which date snapshots, are ahead
//	POST /control/clock       {"target": "DC0_C0_H0", "ms": 600000}: what this host tells of its clock
//	POST /control/device      {"target": "vm-7", "text": "bus-shared"}: a device that no snapshot covers; see devices.go
//	POST /control/config      {"target": "vm-7", "method": "managedBy", "text": "com.vmware.vcDr"}
//	POST /control/base        {"text": "locked"}: what becomes of a snapshot that a clone stands on; see clones.go
//	POST /control/destroyed   VMs that were destroyed: [{"vm", "name", "folder", "shared"}]
//	POST /control/vapp        {"target": "vm-7", "text": "resgroup-v9"}: the VM is in a vApp, and in no folder
//	POST /control/network     {"target": "opaque", "text": "nsx-dr"}: one more network; or "standard", "isolated" or "uplinked"
//	POST /control/question    {"target": "vm-7", "text": "uuid"}: the next power on asks
//	POST /control/event       {"target": "vm-7", "method": "VmDasBeingResetEvent", "text": "user"}: an event of a VM
//	POST /control/gzip        {"on": true}: answers are compressed
//	POST /control/schedule    {"target": "vm-7", "method": "CreateSnapshot_Task", "text": "nightly"}: a scheduled task
//
// What a vCenter tells in events and the library does not, it adds: a TaskEvent for each task on a VM, migrations,
// renamings; each with the user of the call. So it does with scheduled tasks. -events=false: the library alone.
// A session's cookie is a secret, and not its key, which others may read.
package main

import (
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
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/vmware/govmomi/simulator"
)

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
	hostility := flag.String("hostile", "all", "what of a real vCenter's ways is on: all, none or names with commas; see hostile.go")
	pace := flag.Duration("pace", 0, "how long a snapshot takes to be made or removed, asked for by drdeck")
	home := flag.String("home", "", "directory for its datastores, removed at the end with all that is in it")
	verbose := flag.Bool("v", false, "log to stderr")
	flag.Parse()
	if !*verbose {
		log.SetOutput(ioutil.Discard)
	}
	if *home != "" {
		_ = os.Setenv("TMPDIR", *home)
	}
	habits := newHostile(*hostility)
	habits.pace = *pace
	if habits.does("ids", "") {
		countFrom(1000000)
	}
	if err := model.Create(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	mendTemplates()
	addClocks()
	if habits.does("keys", "") {
		habits.rekey()
	}
	for _, name := range []string{"twins", "opaque", "skew"} {
		habits.furnish(name, "", habits.does(name, ""))
	}
	ready := map[string]string{}
	if *useTLS {
		pair, text := certificate(*name, *valid)
		model.Service.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
		ready["certificate"] = text
	}
	model.Service.Listen = &url.URL{Host: fmt.Sprintf("127.0.0.1:%d", *port)}
	addTaskHistory()
	if *events {
		addScheduler()
	}
	server := model.Service.NewServer()
	server.Config.Handler = &control{sdk: server.Config.Handler, boot: *boot, events: *events, calls: map[string]int{}, bytes: map[string]int{},
		freed: make(chan struct{}), logins: newLogins(*user, *password), hostile: habits}
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
