// Publishes a release: API_TOKEN=… go run stepup.go https://app.example.com 4.2
//
// Transport is what to copy: a call that Stepgate refuses for want of a proof waits until its owner has proved in a
// browser who they are, and is made once more.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

const grantType = "urn:ietf:params:oauth:grant-type:device_code"

// Transport sends the token, and the key once there is one, with every call: use it for the one origin that is behind
// Stepgate. A body must be one that can be sent again (Request.GetBody), as those of http.NewRequest are.
type Transport struct {
	Token string
	Base  http.RoundTripper
	mutex sync.Mutex
	key   string
}

type device struct {
	DeviceCode      string `json:"device_code"`
	UserCode        string `json:"user_code"`
	VerificationURI string `json:"verification_uri_complete"`
	TokenEndpoint   string `json:"token_endpoint"`
	Interval        int    `json:"interval"`
}

func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := t.send(request)
	if err != nil || answer.Header.Get("Step-Up") != "challenge" {
		return answer, err
	}
	var refusal struct{ Device *device }
	read, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	answer.Body = io.NopCloser(strings.NewReader(string(read)))
	if err != nil || json.Unmarshal(read, &refusal) != nil || refusal.Device == nil {
		return answer, err
	}
	if request.Body != nil && request.GetBody == nil {
		return answer, nil
	}
	fmt.Fprintf(os.Stderr, "Open %s\nand compare the code: %s\n", refusal.Device.VerificationURI, refusal.Device.UserCode)
	if err := t.wait(request, refusal.Device); err != nil {
		return nil, err
	}
	return t.send(request)
}

func (t *Transport) send(request *http.Request) (*http.Response, error) {
	again := request.Clone(request.Context())
	if request.GetBody != nil {
		body, err := request.GetBody()
		if err != nil {
			return nil, err
		}
		again.Body = body
	}
	again.Header.Set("Authorization", "Bearer "+t.Token)
	t.mutex.Lock()
	if t.key != "" {
		again.Header.Set("Step-Up-Key", t.key)
	}
	t.mutex.Unlock()
	return t.Base.RoundTrip(again)
}

func (t *Transport) wait(request *http.Request, device *device) error {
	form := url.Values{"grant_type": {grantType}, "device_code": {device.DeviceCode}}.Encode()
	for interval := device.Interval; ; {
		select {
		case <-request.Context().Done():
			return request.Context().Err()
		case <-time.After(time.Duration(interval) * time.Second):
		}
		poll, err := http.NewRequestWithContext(request.Context(), "POST", device.TokenEndpoint, strings.NewReader(form))
		if err != nil {
			return err
		}
		poll.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := t.send(poll)
		if err != nil {
			return err
		}
		var told struct{ Key, Error, Reason string }
		err = json.NewDecoder(answer.Body).Decode(&told)
		answer.Body.Close()
		switch {
		case err != nil:
			return err
		case told.Key != "":
			t.mutex.Lock()
			t.key = told.Key
			t.mutex.Unlock()
			return nil
		case told.Error == "slow_down":
			interval += 5 // RFC 8628 section 3.5
		case told.Error != "authorization_pending":
			return errors.New("not approved: " + told.Error + told.Reason)
		}
	}
}

func main() {
	origin, version := os.Args[1], os.Args[2]
	client := http.Client{Transport: &Transport{Token: os.Getenv("API_TOKEN"), Base: http.DefaultTransport}}
	answer, err := client.PostForm(origin+"/api/publish", url.Values{"version": {version}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer answer.Body.Close()
	io.Copy(os.Stdout, answer.Body)
	if answer.StatusCode >= 400 {
		os.Exit(1)
	}
}
