// amazon-cognito-identity-js, unmodified, worked from Python: one JSON call a line on stdin, one JSON answer a line on stdout.
import { createInterface } from 'node:readline';
import cognito from 'amazon-cognito-identity-js';

const { AuthenticationDetails, CognitoUser, CognitoUserAttribute, CognitoUserPool } = cognito;

class Storage {
  #items = new Map();
  // As localStorage does: null, not undefined, for what is not there.
  getItem(key) { return this.#items.has(key) ? this.#items.get(key) : null; }
  setItem(key, value) { this.#items.set(key, value); }
  removeItem(key) { this.#items.delete(key); }
  clear() { this.#items.clear(); }
}

let pool;
let user;
let storage;

// The library knows two kinds of callback: (error, result), and an object with one function per outcome.
const callback = call => new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result))));
const outcomes = call => new Promise((resolve, reject) => call({
  onSuccess: () => resolve('SIGNED_IN'),
  onFailure: reject,
  newPasswordRequired: () => resolve('NEW_PASSWORD_REQUIRED'),
  totpRequired: name => resolve(name),
  mfaSetup: name => resolve(name),
  inputVerificationCode: data => resolve(data.CodeDeliveryDetails.Destination),
  associateSecretCode: resolve,
}));

const named = username => new CognitoUser({ Username: username, Pool: pool, Storage: storage });

const calls = {
  open({ endpoint, poolId, clientId }) {
    storage = new Storage();
    pool = new CognitoUserPool({ UserPoolId: poolId, ClientId: clientId, endpoint, Storage: storage });
  },
  signUp: ({ email, password }) => callback(done => pool.signUp(email, password, [], null, done)),
  confirm: ({ email, code }) => callback(done => named(email).confirmRegistration(code, true, done)),
  resend: ({ email }) => callback(done => named(email).resendConfirmationCode(done)),
  signIn({ email, password, flow }) {
    user = named(email);
    user.setAuthenticationFlowType(flow);
    const details = new AuthenticationDetails({ Username: email, Password: password });
    return outcomes(done => user.authenticateUser(details, done));
  },
  answerNewPassword: ({ password }) => outcomes(done => user.completeNewPasswordChallenge(password, {}, done)),
  answerCode: ({ code }) => outcomes(done => user.sendMFACode(code, done, 'SOFTWARE_TOKEN_MFA')),
  tokens() {
    const session = user.getSignInUserSession();
    return {
      access: session.getAccessToken().getJwtToken(),
      id: session.getIdToken().getJwtToken(),
      refresh: session.getRefreshToken().getToken(),
      valid: session.isValid(),
    };
  },
  async refresh() {
    await callback(done => user.refreshSession(user.getSignInUserSession().getRefreshToken(), done));
  },
  async attributes() {
    const found = await callback(done => user.getUserAttributes(done));
    return Object.fromEntries(found.map(each => [each.getName(), each.getValue()]));
  },
  update({ attributes }) {
    const given = Object.entries(attributes).map(([Name, Value]) => new CognitoUserAttribute({ Name, Value }));
    return callback(done => user.updateAttributes(given, done));
  },
  remove: ({ names }) => callback(done => user.deleteAttributes(names, done)),
  sendVerification: () => outcomes(done => user.getAttributeVerificationCode('email', done)),
  verifyEmail: ({ code }) => outcomes(done => user.verifyAttribute('email', code, done)),
  associate: () => outcomes(done => user.associateSoftwareToken(done)),
  verifyApp: ({ code }) => outcomes(done => user.verifySoftwareToken(code, 'phone', done)),
  preferApp: ({ enabled }) =>
    callback(done => user.setUserMfaPreference(null, { Enabled: enabled, PreferredMfa: enabled }, done)),
  async factors() {
    const data = await callback(done => user.getUserData(done, { bypassCache: true }));
    return data.UserMFASettingList ?? [];
  },
  changePassword: ({ old, replacement }) => callback(done => user.changePassword(old, replacement, done)),
  forgot: ({ email }) => outcomes(done => named(email).forgotPassword(done)),
  confirmForgot: ({ email, code, password }) => outcomes(done => named(email).confirmPassword(code, password, done)),
  signOut: () => new Promise((resolve, reject) => user.signOut(error => (error ? reject(error) : resolve()))),
  signOutEverywhere: () => outcomes(done => user.globalSignOut(done)),
  deleteAccount: () => callback(done => user.deleteUser(done)),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { call, given } = JSON.parse(line);
  let answer;
  try {
    answer = { result: (await calls[call](given)) ?? null };
  } catch (error) {
    answer = { error: error.code ?? error.name, message: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
