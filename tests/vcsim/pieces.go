// Answers in pieces: a vCenter gives no more than so many objects at once, and says that there are more (UpdateSet.truncated).

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"sync"
)

const mostObjects = 100

var (
	objectRE    = regexp.MustCompile(`(?s)<objectSet>.*?</objectSet>`)
	mostRE      = regexp.MustCompile(`<(?:\w+:)?maxObjectUpdates>(\d+)<`)
	truncatedRE = regexp.MustCompile(`<truncated>[^<]*</truncated>`)
)

// pieces: what of an answer is still to be asked for, by collector.
type pieces struct {
	mu   sync.Mutex
	left map[string][]byte
}

// next gives the next piece of what a collector was not told yet; nil: it was told all.
func (p *pieces) next(collector string, request []byte) []byte {
	p.mu.Lock()
	rest := p.left[collector]
	delete(p.left, collector)
	p.mu.Unlock()
	if rest == nil {
		return nil
	}
	return p.cut(collector, request, rest)
}

// cut gives the first piece of an answer and keeps the rest. Only of answers about one filter, as a first one is.
func (p *pieces) cut(collector string, request, answer []byte) []byte {
	most := mostObjects
	if m := mostRE.FindSubmatch(request); m != nil {
		if asked, err := strconv.Atoi(string(m[1])); err == nil && asked < most {
			most = asked
		}
	}
	places := objectRE.FindAllIndex(answer, -1)
	if len(places) <= most || bytes.Count(answer, []byte("<filterSet>")) != 1 {
		return answer
	}
	head, tail := answer[:places[0][0]], answer[places[len(places)-1][1]:]
	at := places[most][0]
	rest := append(append(append([]byte{}, head...), answer[at:places[len(places)-1][1]]...), tail...)
	p.mu.Lock()
	if p.left == nil {
		p.left = map[string][]byte{}
	}
	p.left[collector] = rest
	p.mu.Unlock()
	more := truncatedRE.ReplaceAll(tail, nil)
	more = bytes.Replace(more, []byte("</returnval>"), []byte("<truncated>true</truncated></returnval>"), 1)
	return append(append([]byte{}, answer[:at]...), more...)
}

// give answers with the next piece of an earlier answer; false: there is none.
func (c *control) give(w http.ResponseWriter, r *http.Request, method string, body []byte) bool {
	if method != "WaitForUpdatesEx" || !c.hostile.does("pieces", "") || !versionRE.Match(body) {
		return false
	}
	m := callRE.FindSubmatch(body)
	piece := c.pieces.next(string(m[2]), body)
	if piece == nil {
		return false
	}
	piece = c.pack(w, r, piece)
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Header().Set("Content-Length", fmt.Sprint(len(piece)))
	_, _ = w.Write(piece)
	return true
}
