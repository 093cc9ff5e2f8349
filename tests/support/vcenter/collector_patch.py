"""The simulator library's property collector, made to tell changes as a vCenter does.

The library reads every object of a filter anew for each single change, tells of each value that a property
had meanwhile, of a list all of it where only what was added is asked for, and looks four times a second
only, also when asked not to wait. A vCenter tells a property's newest value once, and at once (API reference:
PropertyCollector.WaitForUpdatesEx; CreateFilter, partialUpdates). With the library as it is every figure of
drdeck's speed would be one of the simulator's.
"""

from __future__ import annotations

import json
from pathlib import Path

_LIBRARY = Path("src/github.com/vmware/govmomi/simulator/property_collector.go")

_PER_CHANGE = """\
					case types.ObjectUpdateKindEnter: // Create
						if !apply() {
							return body
						}
					case types.ObjectUpdateKindModify: // Update
						log.Printf("%s has %d changes", update.Obj, len(update.ChangeSet))
						if !apply() { // An update may apply to collector traversal specs
							return body
						}
"""
_PER_CHANGE_PATCHED = """\
					case types.ObjectUpdateKindEnter: // Create
						if !applied && !apply() {
							return body
						}
						applied = true
					case types.ObjectUpdateKindModify: // Update
						if !applied && !apply() { // An update may apply to collector traversal specs
							return body
						}
						applied = true
"""
_LEAVE = """\
						delete(filter.refs, update.Obj)
						fu.ObjectSet"""
_LEAVE_PATCHED = """\
						delete(filter.refs, update.Obj)
						applied = false
						fu.ObjectSet"""
_PER_ROUND = """\
				fu := types.PropertyFilterUpdate{Filter: f}

				for _, update := range updates {
"""
_PER_ROUND_PATCHED = """\
				fu := types.PropertyFilterUpdate{Filter: f}
				applied := false

				for _, update := range newestOnly(updates) {
"""
_APPLY = "							update = filter.apply(ctx, update)\n"
_APPLY_PATCHED = """\
							update = filter.apply(ctx, update)
							update.ChangeSet = partial(filter, update.ChangeSet)
"""
_TICKER = "	ticker := time.NewTicker(250 * time.Millisecond) // allow for updates to accumulate\n"
_TICKER_PATCHED = """\
	pause := 50 * time.Millisecond
	if oneUpdate {
		pause = time.Millisecond
	}
	ticker := time.NewTicker(pause) // allow for updates to accumulate
"""
_NEWEST_ONLY = """
// eventsTold is the key of the newest event that a filter of partial updates has told of.
var eventsTold = map[types.ManagedObjectReference]int32{}
var eventsToldMu sync.Mutex

// partial tells of the events that were added to a page, where that was asked for.
func partial(filter *PropertyFilter, changes []types.PropertyChange) []types.PropertyChange {
	if !filter.PartialUpdates {
		return changes
	}
	var told []types.PropertyChange
	for _, change := range changes {
		page, ok := change.Val.([]types.BaseEvent)
		if !ok {
			told = append(told, change)
			continue
		}
		eventsToldMu.Lock()
		newest := eventsTold[filter.Self]
		for _, event := range page {
			if key := event.GetEvent().Key; key > newest {
				told = append(told, types.PropertyChange{Op: types.PropertyChangeOpAdd,
					Name: fmt.Sprintf("%s[%d]", change.Name, key), Val: event})
				if key > eventsTold[filter.Self] {
					eventsTold[filter.Self] = key
				}
			}
		}
		eventsToldMu.Unlock()
	}
	return told
}

// newestOnly keeps the last value of each property that changed several times.
func newestOnly(updates []types.ObjectUpdate) []types.ObjectUpdate {
	merged := make([]types.ObjectUpdate, 0, len(updates))
	last := map[types.ManagedObjectReference]int{}
	for _, update := range updates {
		if update.Kind != types.ObjectUpdateKindModify {
			delete(last, update.Obj)
			merged = append(merged, update)
			continue
		}
		at, ok := last[update.Obj]
		if !ok {
			last[update.Obj] = len(merged)
			merged = append(merged, types.ObjectUpdate{Obj: update.Obj, Kind: update.Kind,
				ChangeSet: append([]types.PropertyChange{}, update.ChangeSet...)})
			continue
		}
		for _, change := range update.ChangeSet {
			kept := merged[at].ChangeSet[:0]
			for _, older := range merged[at].ChangeSet {
				if older.Name != change.Name {
					kept = append(kept, older)
				}
			}
			merged[at].ChangeSet = append(kept, change)
		}
	}
	return merged
}
"""


def patched(source: str) -> str | None:
    """The library's file as it is to be built; None for another version of it, which stays as it is."""
    changes = (
        (_PER_CHANGE, _PER_CHANGE_PATCHED),
        (_LEAVE, _LEAVE_PATCHED),
        (_PER_ROUND, _PER_ROUND_PATCHED),
        (_APPLY, _APPLY_PATCHED),
        (_TICKER, _TICKER_PATCHED),
        ('\t"context"\n', '\t"context"\n\t"fmt"\n'),
    )
    for old, new in changes:
        if source.count(old) != 1:
            return None
        source = source.replace(old, new)
    return source + _NEWEST_ONLY


def overlay(gopath: Path, directory: Path) -> Path | None:
    """Write the patched file to a directory, and the overlay that `go build` takes; None where there is
    nothing to lay over."""
    library = gopath / _LIBRARY
    source = patched(library.read_text("utf-8"))
    if source is None:
        return None
    replacement = directory / "property_collector.go.txt"
    replacement.write_text(source, "utf-8")
    plan = directory / "overlay.json"
    plan.write_text(json.dumps({"Replace": {str(library): str(replacement)}}), "utf-8")
    return plan
