package com.example.hello;

import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.web.bind.annotation.CookieValue;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.view.RedirectView;

/** A page with an asset, a redirect and a cookie. The context path is the one that the gateway took off. */
@SpringBootApplication
@RestController
public class HelloApplication {
  public static void main(String[] args) {
    SpringApplication.run(HelloApplication.class, args);
  }

  @GetMapping(path = "/", produces = "text/html")
  String home(HttpServletRequest request, @CookieValue(defaultValue = "0") String visits) {
    return """
        <!doctype html><title>Spring Boot</title>
        <link rel="stylesheet" href="%1$s/style.css">
        <h1>Spring Boot</h1>
        <p id="visits">visits: %2$s</p>
        <p><a id="visit" href="%1$s/visit">Visit</a></p>
        """.formatted(request.getContextPath(), visits);
  }

  @GetMapping("/visit")
  RedirectView visit(HttpServletRequest request, HttpServletResponse response, @CookieValue(defaultValue = "0") int visits) {
    Cookie cookie = new Cookie("visits", String.valueOf(visits + 1));
    cookie.setPath(request.getContextPath() + "/");
    response.addCookie(cookie);
    return new RedirectView("/", true);
  }
}
