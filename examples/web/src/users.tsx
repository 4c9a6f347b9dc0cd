import { type Atrium, type components, ifMatch } from "@atrium/client";
import { useEffect, useState } from "preact/hooks";
import { AuditTrail } from "./administration";
import { Action, Field, Form } from "./form";
import { useTask } from "./messages";
import { Pages, When } from "./pages";

type UserRecord = components["schemas"]["User"];

export function Users({ atrium }: { atrium: Atrium }) {
  const [q, setQ] = useState("");
  return (
    <>
      <Form label="Search" button="Search" send={async (value) => setQ(value("q"))}>
        <Field label="Name or email" name="q" />
      </Form>
      <Pages
        label="Users"
        of={q}
        read={(cursor) =>
          atrium.get("/v1/users", { params: { query: { cursor, ...(q && { q }) } } })
        }
        row={(user) => (
          <div>
            <a href={`#/users/${user.uid}`}>{user.email}</a>
            {user.status !== "active" && <span class="tag">{user.status}</span>}
            <br />
            {user.given_name} {user.family_name}
          </div>
        )}
      />
    </>
  );
}

/** One user: status, grants and audit trail. */
export function User({ atrium, id }: { atrium: Atrium; id: string }) {
  const [user, setUser] = useState<UserRecord>();
  const { run } = useTask();
  const params = { path: { id } };
  useEffect(() => void run(async () => setUser(await atrium.get("/v1/users/{id}", { params }))), []);
  if (!user) return <p>Loading…</p>;
  const status = user.status === "active" ? "disabled" : "active";
  const change = async () => {
    const read = await atrium.get("/v1/users/{id}", { params });
    await atrium.put("/v1/users/{id}/status", {
      params: { ...params, header: ifMatch(read) },
      body: { status },
    });
    setUser({ ...read, status });
    return `The account is being ${status === "active" ? "enabled" : "disabled"}.`;
  };
  return (
    <>
      <h2>{user.email}</h2>
      <dl>
        <dt>Name</dt>
        <dd>
          {user.given_name} {user.family_name}
        </dd>
        <dt>Status</dt>
        <dd>{user.status}</dd>
        <dt>Since</dt>
        <dd>
          <When at={user.created_at} />
        </dd>
      </dl>
      <Action label={status === "active" ? "Enable" : "Disable"} of={user.email} act={change} />
      <Grants atrium={atrium} id={id} />
      <h2>Audit trail</h2>
      <AuditTrail atrium={atrium} id={id} />
    </>
  );
}

function Grants({ atrium, id }: { atrium: Atrium; id: string }) {
  const [made, setMade] = useState(0);
  const revoke = async (grant: string) => {
    const path = { id, grant };
    const read = await atrium.get("/v1/users/{id}/grants/{grant}", { params: { path } });
    const header = ifMatch(read);
    await atrium.delete("/v1/users/{id}/grants/{grant}", { params: { path, header } });
    setMade(made + 1);
    return "The grant is revoked.";
  };
  return (
    <>
      <h2>Grants</h2>
      <Pages
        label="Grants"
        of={made}
        read={(cursor) =>
          atrium.get("/v1/users/{id}/grants", { params: { path: { id }, query: { cursor } } })
        }
        row={(grant) => (
          <>
            <div>
              <strong>{grant.role ?? grant.action}</strong>
              <span class="tag">{grant.scope ?? "everywhere"}</span>
              <br />
              since <When at={grant.granted_at} />
              {grant.expires_at && (
                <>
                  {" "}
                  until <When at={grant.expires_at} />
                </>
              )}
              {grant.condition && (
                <>
                  <br />
                  only if <code>{JSON.stringify(grant.condition)}</code>
                </>
              )}
            </div>
            <Action
              label="Revoke"
              of={`${grant.role ?? grant.action} ${grant.scope ?? ""}`}
              act={() => revoke(grant.id)}
            />
          </>
        )}
      />
      <h3>Grant a role</h3>
      <Form
        label="Grant a role"
        button="Grant"
        send={async (value, form) => {
          const scope = value("scope");
          await atrium.post("/v1/users/{id}/grants", {
            params: { path: { id } },
            body: { role: value("role"), ...(scope && { scope }) },
          });
          form.reset();
          setMade(made + 1);
          return `${value("role")} is granted.`;
        }}
      >
        <Field label="Role" name="role" required />
        <Field label="Scope" name="scope" hint="For example document:7; empty means everywhere" />
      </Form>
    </>
  );
}
