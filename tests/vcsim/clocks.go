// Hosts' clocks: the library's hosts have none.

package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

const clockOf = "dateTimeSystem-"

// addClocks gives each host a HostDateTimeSystem; tellClock answers for it.
func addClocks() {
	for _, entity := range simulator.Map.All("HostSystem") {
		host := entity.(*simulator.HostSystem)
		host.ConfigManager.DateTimeSystem = &types.ManagedObjectReference{
			Type: "HostDateTimeSystem", Value: clockOf + host.Self.Value}
	}
}

// setClock sets the clock of a host, by name, against vCenter's.
func (h *hostile) setClock(name string, ahead time.Duration) {
	for _, entity := range simulator.Map.All("HostSystem") {
		if host := entity.(*simulator.HostSystem); host.Name == name {
			h.mu.Lock()
			h.clocks[host.Self.Value] = ahead
			h.mu.Unlock()
		}
	}
}

// tellClock is QueryDateTime.
func (h *hostile) tellClock(w http.ResponseWriter, system string) {
	h.mu.Lock()
	ahead, ok := h.clocks[strings.TrimPrefix(system, clockOf)]
	if !ok {
		ahead = h.skew
	}
	h.mu.Unlock()
	now := time.Now().UTC().Add(ahead).Format("2006-01-02T15:04:05.000000Z")
	fmt.Fprintf(w, envelope, `<QueryDateTimeResponse xmlns="urn:vim25"><returnval>`+now+`</returnval></QueryDateTimeResponse>`)
}
