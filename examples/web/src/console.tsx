import { type Atrium, connect, endHostedSignIn, inStorage } from "@atrium/client";
import { type ComponentChildren, render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Attributes, MayI, Profile, Sessions } from "./account";
import { AuditTrail, Decisions, Invitations } from "./administration";
import { Action } from "./form";
import { explain, type Message, Messages } from "./messages";
import { Roles } from "./roles";
import { home, SignIn } from "./sign_in";
import { User, Users } from "./users";

type Screen = (props: { atrium: Atrium }) => ComponentChildren;

const OWN: Record<string, [title: string, screen: Screen]> = {
  profile: ["Profile", Profile],
  sessions: ["Sessions", Sessions],
  attributes: ["Attributes", Attributes],
  "may-i": ["May I?", MayI],
};
const ADMINISTRATION: typeof OWN = {
  users: ["Users", Users],
  roles: ["Roles", Roles],
  invitations: ["Invitations", Invitations],
  decisions: ["Decisions", Decisions],
  audit: ["Audit trail", AuditTrail],
};

function Console({ atrium }: { atrium: Atrium }) {
  const [signedIn, setSignedIn] = useState(atrium.session.isSignedIn);
  const [message, setMessage] = useState<Message>();
  return (
    <Messages.Provider value={setMessage}>
      {signedIn ? (
        <Screens
          atrium={atrium}
          clear={() => setMessage(undefined)}
          leave={async () => {
            await atrium.session.end();
            setSignedIn(false);
          }}
        />
      ) : (
        <SignIn
          atrium={atrium}
          done={() => {
            setMessage(undefined);
            setSignedIn(true);
          }}
        />
      )}
      <div id="messages">
        <p role="status">{message?.kind === "status" && message.text}</p>
        <p role="alert">{message?.kind === "error" && message.text}</p>
      </div>
    </Messages.Provider>
  );
}

interface ScreensProps {
  atrium: Atrium;
  clear: () => void;
  leave: () => Promise<void>;
}

function Screens({ atrium, clear, leave }: ScreensProps) {
  const [place, setPlace] = useState(location.hash);
  const [isAdmin, setIsAdmin] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const moved = () => {
      clear();
      setPlace(location.hash);
      heading.current?.focus();
    };
    addEventListener("hashchange", moved);
    void atrium.get("/v1/me/permissions").then(
      (found) => setIsAdmin(found.all || found.roles.includes("admin")),
      () => setIsAdmin(false),
    );
    return () => removeEventListener("hashchange", moved);
  }, []);
  const screens = isAdmin ? { ...OWN, ...ADMINISTRATION } : OWN;
  const [name = "", id] = place.replace(/^#\//, "").split("/");
  const current = Object.hasOwn(screens, name) ? name : "profile"; // not `in`: #/constructor
  const [title, Screen] = screens[current] ?? ["Profile", Profile];
  return (
    <>
      <header>
        <strong>Atrium</strong>
        <nav aria-label="Screens">
          {Object.entries(screens).map(([key, [label]]) => (
            <a href={`#/${key}`} aria-current={key === current ? "page" : undefined}>
              {label}
            </a>
          ))}
        </nav>
        <Action label="Sign out" act={leave} />
      </header>
      <main>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {current === "users" && id ? (
          <User key={id} atrium={atrium} id={id} />
        ) : (
          <Screen key={current} atrium={atrium} />
        )}
      </main>
    </>
  );
}

/** Start the client; finish a sign-in that the hosted page has sent back. */
async function start(): Promise<Atrium> {
  const atrium = await connect(location.origin, { tokens: inStorage(sessionStorage) });
  const address = new URL(location.href);
  if (address.searchParams.has("state")) {
    history.replaceState(null, "", home());
    atrium.session.start(await endHostedSignIn(atrium.configuration, address, sessionStorage));
  }
  return atrium;
}

const root = document.getElementById("console") as HTMLElement;
start().then(
  (atrium) => render(<Console atrium={atrium} />, root),
  (error: unknown) => render(<p role="alert">{explain(error)}</p>, root),
);
