import { ApiError, type Atrium, type components, ifMatch } from "@atrium/client";
import { useEffect, useState } from "preact/hooks";
import { Action, Field, Form } from "./form";
import { useTask } from "./messages";
import { Pages, When } from "./pages";

type Me = components["schemas"]["Me"];

/** One's own profile, changed only if it is still as it was read. */
export function Profile({ atrium }: { atrium: Atrium }) {
  const [me, setMe] = useState<Me>();
  const [conflict, setConflict] = useState(false);
  const { run } = useTask();
  const read = async () => setMe(await atrium.get("/v1/me"));
  useEffect(() => void run(read), []);
  if (!me) return <p>Loading…</p>;
  const save = async (value: (name: string) => string) => {
    const body = {
      given_name: value("given_name") || null,
      family_name: value("family_name") || null,
      locale: value("locale") || null,
    };
    try {
      setMe(await atrium.patch("/v1/me", { params: { header: ifMatch(me) }, body }));
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "stale") throw error;
      await read();
      setConflict(true);
      throw new Error("Your profile was changed elsewhere. Nothing was saved.");
    }
    setConflict(false);
    return "Your profile is saved.";
  };
  return (
    <>
      <dl>
        <dt>Email</dt>
        <dd>{me.email}</dd>
        <dt>Member since</dt>
        <dd>
          <When at={me.created_at} />
        </dd>
        <dt>Roles</dt>
        <dd>{me.roles.join(", ") || "–"}</dd>
      </dl>
      <Form label="Profile" button={conflict ? "Save over it" : "Save"} send={save}>
        {conflict && (
          <p>
            Saved elsewhere: {[me.given_name, me.family_name, me.locale].filter(Boolean).join(" · ")}.
            Your own text is below.
          </p>
        )}
        <Field label="Given name" name="given_name" value={me.given_name} />
        <Field label="Family name" name="family_name" value={me.family_name} />
        <Field label="Language" name="locale" value={me.locale} hint="For example en or de-CH" />
      </Form>
    </>
  );
}

/** Where the account is signed in. */
export function Sessions({ atrium }: { atrium: Atrium }) {
  return (
    <Pages
      label="Sessions"
      of="mine"
      read={(cursor) => atrium.get("/v1/me/sessions", { params: { query: { cursor } } })}
      row={(session, again) => (
        <>
          <div>
            <strong>{session.device || "Unknown device"}</strong>
            {session.current && <span class="tag">this session</span>}
            <br />
            last seen <When at={session.last_seen_at} />
          </div>
          {!session.current && (
            <Action
              label="End"
              of={`${session.device || "session"}, ${session.id}`}
              act={async () => {
                const path = { session: session.id };
                await atrium.delete("/v1/me/sessions/{session}", { params: { path } });
                again();
                return "The session has ended.";
              }}
            />
          )}
        </>
      )}
    />
  );
}

/** One's own attributes, which applications keep about a person. */
export function Attributes({ atrium }: { atrium: Atrium }) {
  const [me, setMe] = useState<Me>();
  const { run } = useTask();
  useEffect(() => void run(async () => setMe(await atrium.get("/v1/me"))), []);
  if (!me) return <p>Loading…</p>;
  const found = Object.entries(me.attributes).flatMap(([namespace, values]) =>
    Object.entries(values).map(([name, value]) => [`${namespace}/${name}`, value] as const),
  );
  if (found.length === 0) return <p>Nothing to show.</p>;
  return (
    <dl>
      {found.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>
            <code>{JSON.stringify(value)}</code>
          </dd>
        </>
      ))}
    </dl>
  );
}

/** What one may do everywhere, and a question about one permission. */
export function MayI({ atrium }: { atrium: Atrium }) {
  const [answer, setAnswer] = useState("");
  const ask = async (value: (name: string) => string) => {
    const { all, permissions } = await atrium.get("/v1/me/permissions");
    const permission = value("permission");
    const decision = all || permissions.includes(permission);
    setAnswer(`${decision ? "Yes" : "No"}: ${permission} everywhere`);
  };
  return (
    <>
      <Form label="May I?" button="Ask" send={ask}>
        <Field label="Permission" name="permission" value="document.read" required />
      </Form>
      <output aria-live="polite">{answer}</output>
    </>
  );
}
