import java.util.List;
import java.util.Map;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** A web app that signs people in, and an API that checks tokens, as Spring Security has them when one changes little. */
@SpringBootConfiguration
@EnableAutoConfiguration
@RestController
public class SpringApp {
  public static void main(String[] arguments) {
    SpringApplication.run(SpringApp.class, arguments);
  }

  @Bean
  @Order(1)
  SecurityFilterChain api(HttpSecurity http) throws Exception {
    return http.securityMatcher("/api/**")
        .authorizeHttpRequests(requests -> requests.anyRequest().hasAuthority("SCOPE_access"))
        .oauth2ResourceServer(server -> server.jwt(jwt -> {}))
        .build();
  }

  @Bean
  @Order(2)
  SecurityFilterChain web(HttpSecurity http, ClientRegistrationRepository clients) throws Exception {
    var afterLogout = new OidcClientInitiatedLogoutSuccessHandler(clients);
    afterLogout.setPostLogoutRedirectUri("{baseUrl}/bye");
    return http.authorizeHttpRequests(requests -> requests.requestMatchers("/bye").permitAll().anyRequest().authenticated())
        .oauth2Login(login -> {})
        .oidcLogout(logout -> logout.backChannel(channel -> {}))
        .logout(logout -> logout.logoutSuccessHandler(afterLogout))
        .csrf(csrf -> csrf.disable())
        .build();
  }

  /** RFC 9068: `at+jwt`, this issuer, this audience. */
  @Bean
  JwtDecoder decoder(@Value("${issuer}") String issuer) {
    var decoder = NimbusJwtDecoder.withIssuerLocation(issuer)
        .jwsAlgorithm(SignatureAlgorithm.ES256)
        .validateType(false)
        .build();
    decoder.setJwtValidator(JwtValidators.createAtJwtValidator().issuer(issuer).audience(issuer + "/api").clientId("spring-app").build());
    return decoder;
  }

  @GetMapping("/me")
  String me(@AuthenticationPrincipal OidcUser user) {
    return user.getSubject() + " " + user.getEmail();
  }

  @GetMapping("/bye")
  String bye() {
    return "bye";
  }

  @GetMapping("/api/whoami")
  Map<String, Object> whoami(@AuthenticationPrincipal Jwt token) {
    return Map.of("sub", token.getSubject(), "client", token.getClaimAsString("client_id"), "aud", List.copyOf(token.getAudience()));
  }
}
