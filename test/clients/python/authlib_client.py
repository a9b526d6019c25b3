"""Authlib through the whole code flow. Reads its settings as one line of JSON; see ../foreign-client.ts for the protocol."""
import json
import os
import sys
import time

os.environ['AUTHLIB_INSECURE_TRANSPORT'] = '1'  # the issuer is http on loopback

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken


def say(**message):
    print(json.dumps(message), flush=True)


settings = json.loads(sys.stdin.readline())
metadata = requests.get(settings['issuer'] + '/.well-known/openid-configuration').json()
keys = JsonWebKey.import_key_set(requests.get(metadata['jwks_uri']).json())

session = OAuth2Session(
    settings['clientId'],
    settings['clientSecret'],
    scope='openid profile email offline_access',
    redirect_uri=settings['redirectUri'],
    code_challenge_method='S256',
)
verifier, nonce = generate_token(48), generate_token(20)
url, _state = session.create_authorization_url(
    metadata['authorization_endpoint'], code_verifier=verifier, nonce=nonce, prompt='consent'
)
say(authorize=url)
answer = sys.stdin.readline().strip()
# Authlib checks the state.
token = session.fetch_token(metadata['token_endpoint'], authorization_response=answer, code_verifier=verifier)


def claims_of(id_token, access_token):
    claims = jwt.decode(
        id_token,
        keys,
        claims_cls=CodeIDToken,
        claims_options={'iss': {'essential': True, 'value': metadata['issuer']}, 'aud': {'essential': True, 'value': settings['clientId']}},
        claims_params={'client_id': settings['clientId'], 'nonce': nonce, 'access_token': access_token},
    )
    claims.validate()
    return claims


claims = claims_of(token['id_token'], token['access_token'])
userinfo = session.get(metadata['userinfo_endpoint']).json()
again = session.refresh_token(metadata['token_endpoint'], refresh_token=token['refresh_token'])
rotated = again['refresh_token'] != token['refresh_token']


def introspect():
    answer = session.introspect_token(metadata['introspection_endpoint'], token=again['access_token'])
    return answer.json()['active']


before = introspect()
session.revoke_token(metadata['revocation_endpoint'], token=again['access_token'])
after = introspect()

# The same code once more is refused, and ends what it gave (RFC 6749 §4.1.2).
replay = requests.post(
    metadata['token_endpoint'],
    auth=(settings['clientId'], settings['clientSecret']),
    data={
        'grant_type': 'authorization_code',
        'code': answer.split('code=')[1].split('&')[0],
        'redirect_uri': settings['redirectUri'],
        'code_verifier': verifier,
    },
)

service = OAuth2Session(
    settings['serviceId'], settings['serviceKey'], token_endpoint_auth_method='private_key_jwt', scope='access'
)
# The audience is the issuer, one string: an assertion for an endpoint could be replayed at another server (RFC 7523bis §3).
# Authlib's hour is longer than an assertion may live here.
service.register_client_auth_method(PrivateKeyJWT(metadata['issuer'], claims={'exp': int(time.time()) + 60}))
grant = service.fetch_token(metadata['token_endpoint'], grant_type='client_credentials')

say(
    done={
        'sub': claims['sub'],
        'userinfo': userinfo,
        'rotated': rotated,
        'activeBefore': before,
        'activeAfter': after,
        'replay': [replay.status_code, replay.json().get('error')],
        'serviceToken': grant['token_type'],
        'serviceClaims': jwt.decode(grant['access_token'], keys),
    }
)
