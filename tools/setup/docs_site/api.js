// The contract in Swagger UI. Beside a running API the page uses that API's own contract and signs
// people in; elsewhere it shows the contract that it was built with, to read only.

const dark = matchMedia("(prefers-color-scheme: dark)");
const followTheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followTheme);
followTheme();

async function readConfiguration() {
  try {
    const answer = await fetch("/v1/configuration");
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

// The app client of the user pool may request these.
const SCOPES = { openid: "Sign in", email: "Read one's e-mail address" };

async function readContract(configuration) {
  const address = configuration ? "/v1/openapi.json" : "openapi.json";
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address} cannot be read: HTTP ${answer.status}. Reload later.`);
  return withScopesOfTheClient(withoutExamplesToSend(await answer.json()), SCOPES);
}

// The token endpoint need not allow this header, with which the viewer asks it for tokens.
function withoutRequestedWith(request) {
  delete request.headers?.["X-Requested-With"];
  return request;
}

function show(contract, configuration) {
  const viewer = SwaggerUIBundle({
    dom_id: "#viewer",
    spec: contract,
    supportedSubmitMethods: configuration ? undefined : [],
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    plugins: [fillAfterResponses(contract)],
    onComplete: () => fillNewKeys(viewer.specActions, contract),
    requestInterceptor: withoutRequestedWith,
    validatorUrl: "none",
    displayRequestDuration: true,
    oauth2RedirectUrl: new URL("oauth2-redirect.html", location.href).href,
  });
  if (configuration) {
    viewer.initOAuth({
      clientId: configuration.client_id,
      scopes: Object.keys(SCOPES),
      usePkceWithAuthorizationCodeGrant: true,
    });
  }
  return viewer;
}

async function signIn(configuration, email, password) {
  const answer = await fetch(new URL("/", configuration.issuer), {
    method: "POST",
    headers: {
      "Content-Type": "application/x-amz-json-1.1",
      "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
    },
    body: JSON.stringify({
      ClientId: configuration.client_id,
      AuthFlow: "USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME: email, PASSWORD: password },
    }),
  });
  const result = await answer.json();
  if (!answer.ok) throw new Error(result.message ?? "The sign-in failed.");
  if (!result.AuthenticationResult) {
    throw new Error(`The user pool asks for ${result.ChallengeName}. Sign in through Authorize.`);
  }
  return result.AuthenticationResult.AccessToken;
}

function useToken(viewer, token) {
  const schema = viewer.specSelectors.specJson().getIn(["components", "securitySchemes", "cognito"]);
  viewer.authActions.authorizeOauth2({
    auth: { name: "cognito", schema },
    token: { access_token: token, token_type: "Bearer" },
  });
}

function offerSignIn(form, viewer, configuration) {
  const said = form.querySelector("output");
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { email, password } = Object.fromEntries(new FormData(form));
    try {
      useToken(viewer, await signIn(configuration, email, password));
      said.textContent = `Signed in as ${email}.`;
      form.elements.password.value = "";
    } catch (error) {
      said.textContent = error.message;
    }
  });
}

async function start() {
  const configuration = await readConfiguration();
  const viewer = show(await readContract(configuration), configuration);
  if (configuration?.client_id) {
    offerSignIn(document.getElementById("sign-in"), viewer, configuration);
  }
}

start().catch((error) => {
  document.getElementById("viewer").textContent = error.message;
});
