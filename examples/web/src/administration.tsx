import { type Atrium, ifMatch } from "@atrium/client";
import { useState } from "preact/hooks";
import { Action, Field, Form, names } from "./form";
import { Pages, When } from "./pages";

export function Invitations({ atrium }: { atrium: Atrium }) {
  const [sent, setSent] = useState(0);
  const cancel = async (id: string) => {
    const path = { id };
    const invitation = await atrium.get("/v1/invitations/{id}", { params: { path } });
    const header = ifMatch(invitation);
    await atrium.delete("/v1/invitations/{id}", { params: { path, header } });
    return "The invitation is being cancelled.";
  };
  return (
    <>
      <Form
        label="Invite somebody"
        button="Invite"
        send={async (value, form) => {
          const roles = names(value("roles"));
          await atrium.post("/v1/users", { body: { email: value("email"), roles } });
          form.reset();
          setSent(sent + 1);
          return `The invitation to ${value("email")} is on its way.`;
        }}
      >
        <Field label="Email" name="email" type="email" required />
        <Field label="Roles" name="roles" hint="Names, separated by commas; may be empty" />
      </Form>
      <h2>Sent</h2>
      <Pages
        label="Invitations"
        of={sent}
        read={(cursor) => atrium.get("/v1/invitations", { params: { query: { cursor } } })}
        row={(invitation, again) => (
          <>
            <div>
              <strong>{invitation.email ?? "Erased"}</strong>
              <span class="tag">{invitation.state}</span>
              <br />
              <When at={invitation.created_at} />
            </div>
            {invitation.state === "open" && (
              <Action
                label="Cancel"
                of={invitation.email ?? invitation.id}
                act={async () => {
                  const text = await cancel(invitation.id);
                  again();
                  return text;
                }}
              />
            )}
          </>
        )}
      />
    </>
  );
}

/** Who did what: of everybody, or of one user. */
export function AuditTrail({ atrium, id }: { atrium: Atrium; id?: string }) {
  return (
    <Pages
      label="Audit events"
      of={id ?? "everybody"}
      read={(cursor) => {
        const query = { limit: 20, cursor };
        return id
          ? atrium.get("/v1/users/{id}/audit-events", { params: { path: { id }, query } })
          : atrium.get("/v1/audit-events", { params: { query } });
      }}
      row={(event) => (
        <div>
          <strong>{event.action}</strong> <When at={event.at} />
          <br />
          <small>
            by {event.actor}
            {!id && event.uid && <> of {event.uid}</>}
          </small>
        </div>
      )}
    />
  );
}

/** A question to the policy decision point (AuthZEN) about any user. */
export function Decisions({ atrium }: { atrium: Atrium }) {
  const [answer, setAnswer] = useState("");
  const ask = async (value: (name: string) => string) => {
    setAnswer("");
    const { decision } = await atrium.post("/access/v1/evaluation", {
      body: {
        subject: { type: "user", id: value("user") },
        action: { name: value("action") },
        resource: { type: value("type"), id: value("id") },
      },
    });
    const question = `${value("action")} ${value("type")} ${value("id")}`;
    setAnswer(`${decision ? "Yes" : "No"}: ${question}`);
  };
  return (
    <>
      <Form label="May this user?" button="Ask" send={ask}>
        <Field label="User" name="user" hint="The uid, as in the address of a user" required />
        <Field label="Action" name="action" value="read" required />
        <Field label="Type of resource" name="type" value="document" required />
        <Field label="Id of resource" name="id" required />
      </Form>
      <output aria-live="polite">{answer}</output>
    </>
  );
}
