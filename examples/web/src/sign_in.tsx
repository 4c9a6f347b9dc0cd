import { type Atrium, beginHostedSignIn, type FurtherChallenge } from "@atrium/client";
import { useState } from "preact/hooks";
import { Action, Field, Form } from "./form";

/** The field of Cognito's answer to each further question, and how a person calls it. */
const QUESTIONS: Record<string, [field: string, label: string]> = {
  SOFTWARE_TOKEN_MFA: ["SOFTWARE_TOKEN_MFA_CODE", "Code of your authenticator"],
  NEW_PASSWORD_REQUIRED: ["NEW_PASSWORD", "New password"],
};

export const home = () => new URL(location.pathname, location.origin).href;

/** Sign-in on the user pool's page if it has one, else by password (SRP). */
export function SignIn({ atrium, done }: { atrium: Atrium; done: () => void }) {
  const [question, setQuestion] = useState<FurtherChallenge>();
  const next = (asked: FurtherChallenge | undefined) => {
    setQuestion(asked);
    if (!asked) done();
  };
  if (atrium.configuration.authorization_endpoint) return <HostedSignIn atrium={atrium} />;
  if (question) return <Question key={question.name} asked={question} next={next} />;
  return (
    <main>
      <h1>Sign in</h1>
      <Form
        label="Sign in"
        button="Sign in"
        send={async (value, form) => {
          const password = String(new FormData(form).get("password")); // spaces belong to it
          next(await atrium.signIn(value("email"), password));
        }}
      >
        <Field label="Email" name="email" type="email" autocomplete="username" required />
        <Field
          label="Password"
          name="password"
          type="password"
          autocomplete="current-password"
          required
        />
      </Form>
    </main>
  );
}

function HostedSignIn({ atrium }: { atrium: Atrium }) {
  const go = async () => {
    location.assign(await beginHostedSignIn(atrium.configuration, home(), sessionStorage));
  };
  return (
    <main>
      <h1>Sign in</h1>
      <Action label="Go to the sign-in page" act={go} />
    </main>
  );
}

interface QuestionProps {
  asked: FurtherChallenge;
  next: (asked: FurtherChallenge | undefined) => void;
}

function Question({ asked, next }: QuestionProps) {
  const [field, label] = QUESTIONS[asked.name] ?? [];
  if (!field || !label) return <p>This console cannot answer {asked.name}.</p>;
  const type = field === "NEW_PASSWORD" ? "password" : "text";
  const autocomplete = type === "password" ? "new-password" : "one-time-code";
  return (
    <main>
      <h1>One more step</h1>
      <Form
        label={label}
        button="Continue"
        send={async (_, form) => {
          const given = String(new FormData(form).get("answer")); // spaces belong to a password
          const outcome = await asked.answer({ [field]: type === "password" ? given : given.trim() });
          next("name" in outcome ? outcome : undefined);
        }}
      >
        <Field label={label} name="answer" {...{ type, autocomplete }} required />
      </Form>
    </main>
  );
}
