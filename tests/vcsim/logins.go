package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"

	"github.com/vmware/govmomi/vim25/soap"
)

// logins knows who may log in, from where that is seen, and whose a session is.
type logins struct {
	password string
	mu       sync.Mutex
	from     map[string]string // user -> address; empty: the real one
	who      map[string]string // cookie -> user
	keys     map[string]string // cookie -> key of its session: the library has one for both, a vCenter has not
}

var (
	userRE     = regexp.MustCompile(`<(?:\w+:)?userName[^>]*>([^<]*)<`)
	passwordRE = regexp.MustCompile(`<(?:\w+:)?password[^>]*>([^<]*)<`)
)

func newLogins(user, password string) logins {
	return logins{password: password, from: map[string]string{user: ""}, who: map[string]string{}, keys: map[string]string{}}
}

func (l *logins) add(user, address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.from[user] = address
}

// change gives everybody another password.
func (l *logins) change(password string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.password = password
}

// of gives the user of a call.
func (l *logins) of(r *http.Request) string {
	cookie, err := r.Cookie(soap.SessionCookieName)
	if err != nil {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.who[cookie.Value]
}

// known gives a call the cookie by which the library knows its session.
func (l *logins) known(r *http.Request) {
	cookie, err := r.Cookie(soap.SessionCookieName)
	if err != nil {
		return
	}
	l.mu.Lock()
	key := l.keys[cookie.Value]
	l.mu.Unlock()
	r.Header = r.Header.Clone() // a key is no cookie: without one the call has no session
	r.Header.Set("Cookie", soap.SessionCookieName+"="+key)
}

const logIn = `<Login xmlns="urn:vim25"><_this type="SessionManager">SessionManager</_this>` +
	`<userName>%s</userName><password>%s</password></Login>`

// own gives a request a session that nobody else uses, of the same user.
func (c *control) own(r *http.Request) *http.Request {
	out, mine := httptest.NewRecorder(), r.Clone(context.Background())
	mine.Header.Del("Cookie")
	body := []byte(fmt.Sprintf(envelope, fmt.Sprintf(logIn, html.EscapeString(c.logins.of(r)), html.EscapeString(c.logins.password))))
	c.login(out, mine, body)
	mine.Header.Set("Cookie", out.Header().Get("Set-Cookie"))
	return mine
}

// login lets in who may; the library would know one user only, and not where the call comes from.
func (c *control) login(w http.ResponseWriter, r *http.Request, body []byte) {
	l := &c.logins
	user, password := userRE.FindSubmatch(body), passwordRE.FindSubmatch(body)
	l.mu.Lock()
	name, address, known := "", "", false
	if user != nil {
		name = html.UnescapeString(string(user[1])) // what XML escapes is escaped alike in HTML
		address, known = l.from[name]
	}
	right := password != nil && html.UnescapeString(string(password[1])) == l.password
	l.mu.Unlock()
	if !known || !right {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, envelope, `<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>Login failure</faultstring>`+
			`<detail><InvalidLoginFault xmlns="urn:vim25" xsi:type="InvalidLogin"/></detail></soapenv:Fault>`)
		return
	}
	if address != "" {
		r.RemoteAddr = address + ":443"
	}
	out := httptest.NewRecorder()
	c.forward(out, r, body)
	for _, cookie := range (&http.Response{Header: out.Header()}).Cookies() {
		if cookie.Name == soap.SessionCookieName {
			secret := make([]byte, 20)
			_, _ = rand.Read(secret)
			l.mu.Lock()
			key := cookie.Value
			cookie.Value = hex.EncodeToString(secret)
			l.who[cookie.Value], l.keys[cookie.Value] = name, key
			l.mu.Unlock()
			out.Header().Set("Set-Cookie", cookie.String())
		}
	}
	replay(w, out)
}
