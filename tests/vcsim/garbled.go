// Texts with characters that XML forbids, and compressed answers: both as a real vCenter sends them.

package main

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// A mark stands for what cannot be given to the library: "{raw 01}" for the byte itself, "{ref 1}" for its reference.
var markRE = regexp.MustCompile(`\{(raw|ref) ([0-9a-fA-F]+)\}`)

// garble puts in what the marks of an answer stand for, for drdeck: a test's own client would fail at it.
func garble(r *http.Request, answer []byte) []byte {
	if !bytes.Contains(answer, []byte("{r")) || !strings.HasPrefix(r.Header.Get("User-Agent"), "drdeck/") {
		return answer
	}
	return markRE.ReplaceAllFunc(answer, func(mark []byte) []byte {
		m := markRE.FindSubmatch(mark)
		if string(m[1]) == "ref" {
			return []byte("&#x" + string(m[2]) + ";")
		}
		var raw []byte
		for at := 0; at+2 <= len(m[2]); at += 2 {
			value, _ := strconv.ParseUint(string(m[2][at:at+2]), 16, 8)
			raw = append(raw, byte(value))
		}
		return raw
	})
}

// pack compresses an answer where the client takes that, as vCenter does.
func (c *control) pack(w http.ResponseWriter, r *http.Request, answer []byte) []byte {
	c.mu.Lock()
	on := c.packs
	c.mu.Unlock()
	if !on || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return answer
	}
	var packed bytes.Buffer
	out := gzip.NewWriter(&packed)
	_, _ = out.Write(answer)
	_ = out.Close()
	w.Header().Set("Content-Encoding", "gzip")
	return packed.Bytes()
}
