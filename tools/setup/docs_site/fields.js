// What stands in the fields of a request before somebody types: the viewer fills a field with its
// example and sends it, which is right for the name of a role and wrong for an ETag.

const OPERATIONS = new Set(["get", "put", "post", "patch", "delete"]);

const operationsOf = (contract) =>
  Object.entries(contract.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => OPERATIONS.has(method))
      .map(([method, operation]) => ({ path, method, parameters: operation.parameters ?? [] })),
  );

// Fields of headers and of filters begin empty.
function withoutExamplesToSend(contract) {
  const own = operationsOf(contract).flatMap(({ parameters }) => parameters);
  for (const parameter of [...Object.values(contract.components.parameters), ...own]) {
    if (parameter.in === "header" || (parameter.in === "query" && !parameter.required)) {
      delete parameter.example;
      delete parameter.schema?.example;
    }
  }
  return contract;
}

// The application's client may request these scopes. Those of the API come with a user's groups.
function withScopesOfTheClient(contract, scopes) {
  contract.components.securitySchemes.cognito.flows.authorizationCode.scopes = scopes;
  return contract;
}

function takes(contract, { parameters }, header) {
  const named = Object.entries(contract.components.parameters).find(
    ([, parameter]) => parameter.in === "header" && parameter.name === header,
  );
  return parameters.some(
    ({ $ref, name }) => name === header || $ref === `#/components/parameters/${named?.[0]}`,
  );
}

// A value that somebody typed wins over one that is filled in.
const fill = (specActions, { path, method }, header, value) =>
  specActions.changeParam([path, method], header, "header", value);

const fillNewKey = (specActions, operation) =>
  fill(specActions, operation, "Idempotency-Key", crypto.randomUUID());

function fillNewKeys(specActions, contract) {
  operationsOf(contract)
    .filter((operation) => takes(contract, operation, "Idempotency-Key"))
    .forEach((operation) => fillNewKey(specActions, operation));
}

// A plugin of the viewer, which acts after each response. A repeated request keeps its key after a
// failure of the server. The ETag of a path with variables may be that of another resource.
const fillAfterResponses = (contract) => () => ({
  statePlugins: {
    spec: {
      wrapActions: {
        setResponse: (next, { specActions }) => (path, method, result) => {
          const { status, headers } = result.err?.response ?? result;
          const operations = operationsOf(contract).filter((each) => each.path === path);
          for (const each of operations) {
            if (headers?.etag && !path.includes("{") && takes(contract, each, "If-Match")) {
              fill(specActions, each, "If-Match", headers.etag);
            }
            if (each.method === method && status < 500 && takes(contract, each, "Idempotency-Key")) {
              fillNewKey(specActions, each);
            }
          }
          return next(path, method, result);
        },
      },
    },
  },
});
