// openid-client and oidc-client-ts, unmodified, worked from Python as driver.mjs works its library.
// Python plays the browser: `authorize` gives it the address, and `callback` takes what it came back with.
import { createInterface } from 'node:readline';
import * as openid from 'openid-client';
import { OidcClient, WebStorageStateStore, InMemoryWebStorage } from 'oidc-client-ts';

let config;
let oidc;
let pending;

const options = { execute: [openid.allowInsecureRequests] };

const calls = {
  async openOpenid({ issuer, clientId, secret }) {
    const proof = secret ? openid.ClientSecretBasic(secret) : openid.None();
    config = await openid.discovery(new URL(issuer), clientId, undefined, proof, options);
    return config.serverMetadata().token_endpoint;
  },
  async authorize({ redirect, scope }) {
    const verifier = openid.randomPKCECodeVerifier();
    pending = { pkceCodeVerifier: verifier, expectedState: openid.randomState(), expectedNonce: openid.randomNonce() };
    return openid.buildAuthorizationUrl(config, {
      redirect_uri: redirect,
      scope,
      state: pending.expectedState,
      nonce: pending.expectedNonce,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }).href;
  },
  callback: async ({ address }) => openid.authorizationCodeGrant(config, new URL(address), pending),
  refresh: ({ token }) => openid.refreshTokenGrant(config, token),
  userInfo: ({ token, subject }) => openid.fetchUserInfo(config, token, subject),
  revoke: ({ token }) => openid.tokenRevocation(config, token).then(() => null),
  clientCredentials: ({ scope }) => openid.clientCredentialsGrant(config, { scope }),

  openOidc({ issuer, clientId, redirect, scope }) {
    oidc = new OidcClient({
      authority: issuer,
      client_id: clientId,
      redirect_uri: redirect,
      scope,
      loadUserInfo: true,
      stateStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
    });
  },
  oidcAuthorize: async () => (await oidc.createSigninRequest({ nonce: 'n-1' })).url,
  async oidcCallback({ address }) {
    const found = await oidc.processSigninResponse(address);
    pending = found;
    return { access_token: found.access_token, refresh_token: found.refresh_token, profile: found.profile };
  },
  async oidcRefresh() {
    const state = { refresh_token: pending.refresh_token, id_token: pending.id_token, session_state: null, scope: pending.scope, profile: pending.profile };
    const renewed = await oidc.useRefreshToken({ state, timeoutInSeconds: 30 });
    return { access_token: renewed.access_token };
  },
  oidcRevoke: ({ token }) => oidc.revokeToken(token, 'refresh_token').then(() => null),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { call, given } = JSON.parse(line);
  let answer;
  try {
    answer = { result: (await calls[call](given)) ?? null };
  } catch (error) {
    answer = { error: error.error ?? error.code ?? error.name, message: `${error.message} ${error.cause ?? ''}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
