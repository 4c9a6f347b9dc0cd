// aws-amplify v6, unmodified, worked from Python as driver.mjs works amazon-cognito-identity-js.
import { createInterface } from 'node:readline';
import { Amplify } from 'aws-amplify';
import * as auth from 'aws-amplify/auth';
import { cognitoUserPoolsTokenProvider } from 'aws-amplify/auth/cognito';

class Storage {
  items = new Map();
  async getItem(key) { return this.items.get(key) ?? null; }
  async setItem(key, value) { this.items.set(key, value); }
  async removeItem(key) { this.items.delete(key); }
  async clear() { this.items.clear(); }
}

let storage;

// Each sign-in is a device of its own: Amplify keeps one user per storage.
const newDevice = () => {
  storage = new Storage();
  cognitoUserPoolsTokenProvider.setKeyValueStorage(storage);
};

const NAMES = {
  CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED: 'NEW_PASSWORD_REQUIRED',
  CONFIRM_SIGN_IN_WITH_TOTP_CODE: 'SOFTWARE_TOKEN_MFA',
  CONTINUE_SIGN_IN_WITH_TOTP_SETUP: 'MFA_SETUP',
  DONE: 'SIGNED_IN',
};
// Amplify turns these two errors into next steps; the tests expect the errors.
const ERRORS = { CONFIRM_SIGN_UP: 'UserNotConfirmedException', RESET_PASSWORD: 'PasswordResetRequiredException' };

const outcome = ({ nextStep }) => {
  const step = nextStep.signInStep;
  if (ERRORS[step]) throw Object.assign(new Error(step), { name: ERRORS[step] });
  return NAMES[step] ?? step;
};

const calls = {
  open({ endpoint, poolId, clientId }) {
    Amplify.configure({ Auth: { Cognito: { userPoolId: poolId, userPoolClientId: clientId, userPoolEndpoint: endpoint } } });
    newDevice();
  },
  signUp: ({ email, password }) => auth.signUp({ username: email, password }).then(() => null),
  confirm: ({ email, code }) => auth.confirmSignUp({ username: email, confirmationCode: code }).then(() => null),
  resend: ({ email }) => auth.resendSignUpCode({ username: email }).then(() => null),
  async signIn({ email, password, flow, preferred }) {
    newDevice();
    const options = { authFlowType: flow, ...(preferred ? { preferredChallenge: preferred } : {}) };
    return outcome(await auth.signIn({ username: email, password, options }));
  },
  answerNewPassword: async ({ password }) => outcome(await auth.confirmSignIn({ challengeResponse: password })),
  answerCode: async ({ code }) => outcome(await auth.confirmSignIn({ challengeResponse: code })),
  async tokens() {
    const { tokens } = await auth.fetchAuthSession();
    const refresh = [...storage.items].find(([key]) => key.endsWith('.refreshToken'));
    return { access: tokens.accessToken.toString(), id: tokens.idToken.toString(), refresh: refresh[1], valid: true };
  },
  async refresh() {
    const { tokens } = await auth.fetchAuthSession({ forceRefresh: true });
    if (!tokens) throw Object.assign(new Error('signed out'), { name: 'NotAuthorizedException' });
  },
  attributes: () => auth.fetchUserAttributes(),
  update: ({ attributes }) => auth.updateUserAttributes({ userAttributes: attributes }).then(() => null),
  remove: ({ names }) => auth.deleteUserAttributes({ userAttributeKeys: names }).then(() => null),
  sendVerification: () => auth.sendUserAttributeVerificationCode({ userAttributeKey: 'email' }).then(() => null),
  verifyEmail: ({ code }) => auth.confirmUserAttribute({ userAttributeKey: 'email', confirmationCode: code }).then(() => null),
  associate: async () => (await auth.setUpTOTP()).sharedSecret,
  verifyApp: ({ code }) => auth.verifyTOTPSetup({ code }).then(() => null),
  preferApp: ({ enabled }) => auth.updateMFAPreference({ totp: enabled ? 'PREFERRED' : 'DISABLED' }).then(() => null),
  async factors() {
    const { enabled } = await auth.fetchMFAPreference();
    return enabled ?? [];
  },
  changePassword: ({ old, replacement }) => auth.updatePassword({ oldPassword: old, newPassword: replacement }).then(() => null),
  forgot: ({ email }) => auth.resetPassword({ username: email }).then(() => null),
  confirmForgot: ({ email, code, password }) =>
    auth.confirmResetPassword({ username: email, confirmationCode: code, newPassword: password }).then(() => null),
  signOut: () => auth.signOut().then(() => null),
  signOutEverywhere: () => auth.signOut({ global: true }).then(() => null),
  deleteAccount: () => auth.deleteUser().then(() => null),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { call, given } = JSON.parse(line);
  let answer;
  try {
    answer = { result: (await calls[call](given)) ?? null };
  } catch (error) {
    answer = { error: error.name, message: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
