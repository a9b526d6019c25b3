// go-oidc and x/oauth2 through the whole code flow. Reads its settings as one line of JSON; see ../foreign-client.ts for the
// protocol.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

type settings struct {
	Issuer       string `json:"issuer"`
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	RedirectURI  string `json:"redirectUri"`
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func say(message map[string]any) {
	fmt.Println(string(must(json.Marshal(message))))
}

func main() {
	ctx := context.Background()
	in := bufio.NewReader(os.Stdin)
	var given settings
	must(0, json.Unmarshal([]byte(must(in.ReadString('\n'))), &given))

	provider := must(oidc.NewProvider(ctx, given.Issuer))
	config := oauth2.Config{
		ClientID:     given.ClientID,
		ClientSecret: given.ClientSecret,
		Endpoint:     provider.Endpoint(),
		RedirectURL:  given.RedirectURI,
		Scopes:       []string{oidc.ScopeOpenID, "email", oidc.ScopeOfflineAccess},
	}
	verifier, state, nonce := oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	say(map[string]any{"authorize": config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oidc.Nonce(nonce), oauth2.SetAuthURLParam("prompt", "consent"))})
	answer := must(url.Parse(strings.TrimSpace(must(in.ReadString('\n')))))
	query := answer.Query()
	if query.Get("state") != state {
		must(0, errors.New("another state came back"))
	}

	token := must(config.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(verifier)))
	raw, _ := token.Extra("id_token").(string)
	idToken := must(provider.Verifier(&oidc.Config{ClientID: given.ClientID}).Verify(ctx, raw))
	if idToken.Nonce != nonce {
		must(0, errors.New("another nonce stands in the ID token"))
	}
	if idToken.AccessTokenHash != "" {
		must(0, idToken.VerifyAccessToken(token.AccessToken))
	}
	info := must(provider.UserInfo(ctx, oauth2.StaticTokenSource(token)))

	// Without an access token the source must refresh.
	renewed := must(config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token())
	_, replay := config.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(verifier))
	var refused *oauth2.RetrieveError
	errors.As(replay, &refused)
	code := ""
	if refused != nil {
		code = refused.ErrorCode
	}

	service := clientcredentials.Config{ClientID: given.ClientID, ClientSecret: given.ClientSecret, TokenURL: provider.Endpoint().TokenURL, Scopes: []string{"access"}}
	grant := must(service.Token(ctx))

	say(map[string]any{"done": map[string]any{
		"sub":      idToken.Subject,
		"email":    info.Email,
		"verified": info.EmailVerified,
		"rotated":  renewed.RefreshToken != token.RefreshToken,
		"replay":   code,
		"service":  grant.TokenType,
	}})
}
