// A page with an asset, a redirect and a cookie. Links are relative, so that they hold below any path.
package main

import (
	"embed"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

//go:embed style.css
var assets embed.FS

func home(w http.ResponseWriter, r *http.Request) {
	visits := "0"
	if cookie, err := r.Cookie("visits"); err == nil {
		visits = cookie.Value
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><title>Go</title>
<base href="%s/">
<link rel="stylesheet" href="style.css">
<h1>Go</h1>
<p id="visits">visits: %s</p>
<p><a id="visit" href="visit">Visit</a></p>`, os.Getenv("APP_PATH"), visits)
}

func visit(w http.ResponseWriter, r *http.Request) {
	count := 0
	if cookie, err := r.Cookie("visits"); err == nil {
		count, _ = strconv.Atoi(cookie.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: "visits", Value: strconv.Itoa(count + 1), Path: os.Getenv("APP_PATH") + "/"})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func main() {
	http.HandleFunc("GET /{$}", home)
	http.HandleFunc("GET /visit", visit)
	http.Handle("GET /style.css", http.FileServerFS(assets))
	server := &http.Server{Addr: ":" + os.Getenv("PORT")}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	go func() {
		<-ended
		server.Close()
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}
