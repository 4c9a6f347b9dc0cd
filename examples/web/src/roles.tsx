import { type Atrium, ifMatch } from "@atrium/client";
import { useState } from "preact/hooks";
import { Action, Field, Form, names } from "./form";
import { Pages } from "./pages";

export function Roles({ atrium }: { atrium: Atrium }) {
  const [made, setMade] = useState(0);
  return (
    <>
      <Form
        label="New role"
        button="Create"
        send={async (value, form) => {
          const role = value("role");
          await atrium.put("/v1/roles/{role}", {
            params: { path: { role }, header: { "If-None-Match": "*" } },
            body: {
              description: value("description"),
              permissions: names(value("permissions")),
              parents: names(value("parents")),
            },
          });
          form.reset();
          setMade(made + 1);
          return `The role ${role} exists now.`;
        }}
      >
        <Field label="Name" name="role" required />
        <Field label="Description" name="description" required />
        <Field label="Permissions" name="permissions" hint="For example document.read" required />
        <Field label="Parents" name="parents" hint="Roles that it includes; may be empty" />
      </Form>
      <h2>All roles</h2>
      <Pages
        label="Roles"
        of={made}
        read={(cursor) => atrium.get("/v1/roles", { params: { query: { cursor } } })}
        row={({ role, description, parents }, again) => (
          <>
            <div>
              <strong>{role}</strong>
              {parents.map((parent) => (
                <span class="tag">{parent}</span>
              ))}
              <br />
              {description}
            </div>
            <Action
              label="Delete"
              of={role}
              act={async () => {
                const path = { role };
                const read = await atrium.get("/v1/roles/{role}", { params: { path } });
                const header = ifMatch(read);
                await atrium.delete("/v1/roles/{role}", { params: { path, header } });
                again();
                return `The role ${role} is deleted.`;
              }}
            />
          </>
        )}
      />
    </>
  );
}
