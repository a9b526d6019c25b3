import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.oauth2.sdk.*;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.dpop.DefaultDPoPProofFactory;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.http.HTTPResponse;
import com.nimbusds.oauth2.sdk.id.*;
import com.nimbusds.oauth2.sdk.pkce.*;
import com.nimbusds.oauth2.sdk.token.*;
import com.nimbusds.openid.connect.sdk.*;
import com.nimbusds.openid.connect.sdk.Nonce;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import java.io.*;
import java.net.URI;
import java.util.*;
import net.minidev.json.JSONObject;

/** Nimbus through the code flow with pushed requests and DPoP. Reads its settings as one line of JSON; see ../foreign-client.ts. */
public class NimbusClient {
  static void say(String key, Object value) {
    System.out.println(new JSONObject(Map.of(key, value)).toJSONString());
    System.out.flush();
  }

  public static void main(String[] args) throws Exception {
    var in = new BufferedReader(new InputStreamReader(System.in));
    var given = com.nimbusds.oauth2.sdk.util.JSONObjectUtils.parse(in.readLine());
    var clientId = new ClientID((String) given.get("clientId"));
    var basic = new ClientSecretBasic(clientId, new Secret((String) given.get("clientSecret")));
    var redirect = new URI((String) given.get("redirectUri"));
    var metadata = OIDCProviderMetadata.resolve(new Issuer((String) given.get("issuer")));

    var verifier = new CodeVerifier();
    var state = new State();
    var nonce = new Nonce();
    var request = new AuthenticationRequest.Builder(ResponseType.CODE, new Scope("openid", "email", "offline_access"), clientId, redirect)
        .endpointURI(metadata.getAuthorizationEndpointURI())
        .codeChallenge(verifier, CodeChallengeMethod.S256)
        .state(state).nonce(nonce).prompt(new Prompt("consent")).build();

    // RFC 9126: the request goes ahead, the browser carries a reference.
    var pushed = PushedAuthorizationResponse.parse(
        new PushedAuthorizationRequest(metadata.getPushedAuthorizationRequestEndpointURI(), basic, request).toHTTPRequest().send());
    if (!pushed.indicatesSuccess()) throw new IllegalStateException(pushed.toErrorResponse().getErrorObject().toJSONObject().toString());
    var byReference = new AuthorizationRequest.Builder(pushed.toSuccessResponse().getRequestURI(), clientId)
        .endpointURI(metadata.getAuthorizationEndpointURI()).build();
    say("authorize", byReference.toURI().toString());
    var answer = AuthenticationResponseParser.parse(new URI(in.readLine()));
    if (!answer.indicatesSuccess() || !answer.getState().equals(state)) throw new IllegalStateException("no answer to this request");
    if (!metadata.getIssuer().equals(answer.getIssuer())) throw new IllegalStateException("iss is not the issuer (RFC 9207)");
    var code = answer.toSuccessResponse().getAuthorizationCode();

    var key = new ECKeyGenerator(Curve.P_256).generate();
    var proofs = new DefaultDPoPProofFactory(key, JWSAlgorithm.ES256);
    var grant = new AuthorizationCodeGrant(code, redirect, verifier);
    var tokens = (OIDCTokenResponse) OIDCTokenResponseParser.parse(
        redeem(metadata, basic, proofs, grant)).toSuccessResponse();
    var validator = new IDTokenValidator(metadata.getIssuer(), clientId, JWSAlgorithm.RS256, metadata.getJWKSetURI().toURL());
    var claims = validator.validate(tokens.getOIDCTokens().getIDToken(), nonce);

    var access = tokens.getOIDCTokens().getDPoPAccessToken();
    var info = UserInfoResponse.parse(withNonce(nonceOrNull -> {
      var ask = new HTTPRequest(HTTPRequest.Method.GET, metadata.getUserInfoEndpointURI());
      ask.setAuthorization(access.toAuthorizationHeader());
      ask.setDPoP(proofs.createDPoPJWT("GET", metadata.getUserInfoEndpointURI(), access, nonceOrNull));
      return ask;
    })).toSuccessResponse().getUserInfo();

    // A bound token without its key opens nothing (RFC 9449 §7.1).
    var bare = new HTTPRequest(HTTPRequest.Method.GET, metadata.getUserInfoEndpointURI());
    bare.setAuthorization("Bearer " + access.getValue());
    var stolen = bare.send().getStatusCode();

    var refresh = redeem(metadata, basic, proofs, new RefreshTokenGrant(tokens.getOIDCTokens().getRefreshToken()));
    var renewed = TokenResponse.parse(refresh).toSuccessResponse().getTokens();

    say("done", new JSONObject(Map.of(
        "sub", claims.getSubject().getValue(), "email", info.getEmailAddress(), "tokenType", access.getType().getValue(),
        "stolen", stolen, "rotated", !renewed.getRefreshToken().equals(tokens.getOIDCTokens().getRefreshToken()))));
  }

  static HTTPResponse redeem(OIDCProviderMetadata metadata, ClientSecretBasic basic, DefaultDPoPProofFactory proofs, AuthorizationGrant grant)
      throws Exception {
    return withNonce(nonceOrNull -> {
      var request = new TokenRequest.Builder(metadata.getTokenEndpointURI(), basic, grant).build().toHTTPRequest();
      request.setDPoP(proofs.createDPoPJWT("POST", metadata.getTokenEndpointURI(), nonceOrNull));
      return request;
    });
  }

  interface Made {
    HTTPRequest with(Nonce nonce) throws Exception;
  }

  /** The server may ask for a proof with its nonce (RFC 9449 §8, §9). */
  static HTTPResponse withNonce(Made made) throws Exception {
    var answer = made.with(null).send();
    var nonce = answer.getDPoPNonce();
    return answer.getStatusCode() >= 400 && nonce != null ? made.with(nonce).send() : answer;
  }
}
