/** Cognito's form of the Secure Remote Password protocol (RFC 5054, 3072 bits, SHA-256). */

type Bytes = Uint8Array<ArrayBuffer>;

const PRIME = BigInt(
  "0x" +
    "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a0879" +
    "8e3404ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b" +
    "0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da4836" +
    "1c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804" +
    "f1746c08ca18217c32905e462e36ce3be39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6" +
    "955817183995497cea956ae515d2261898fa051015728e5a8aaac42dad33170d04507a33a85521abdf1cba64" +
    "ecfb850458dbef0a8aea71575d060c7db3970f85a6e1e4c7abf5ae8cdb0933d71e8c94e04a25619dcee3d226" +
    "1ad2ee6bf12ffa06d98a0864d87602733ec86a64521f2b18177b200cbbe117577a615d6c770988c0bad946e2" +
    "08e24fa074e5ab3143db5bfce0fd108e4b82d120a93ad2caffffffffffffffff",
);
const GENERATOR = 2n;
const INFO = "Caldera Derived Key";
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export interface Srp {
  secret: bigint;
  publicValue: string;
}

/** The parameters of Cognito's challenge PASSWORD_VERIFIER. */
export interface Challenge {
  USER_ID_FOR_SRP: string;
  SRP_B: string;
  SALT: string;
  SECRET_BLOCK: string;
}

export function beginSrp(): Srp {
  const secret = numberOf(crypto.getRandomValues(new Uint8Array(128)));
  return { secret, publicValue: power(GENERATOR, secret).toString(16) };
}

/** Return the responses to PASSWORD_VERIFIER. */
export async function answerOf(
  srp: Srp,
  pool: string,
  password: string,
  challenge: Challenge,
): Promise<Record<string, string>> {
  const user = challenge.USER_ID_FOR_SRP;
  const key = await sharedKey(srp, `${pool}${user}:${password}`, challenge);
  const time = timestamp(new Date());
  const block = Uint8Array.from(atob(challenge.SECRET_BLOCK), (character) =>
    character.charCodeAt(0),
  );
  const message = concat(utf8(pool + user), block, utf8(time));
  const signer = await crypto.subtle.importKey(
    "raw",
    key,
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", signer, message));
  return {
    USERNAME: user,
    PASSWORD_CLAIM_SECRET_BLOCK: challenge.SECRET_BLOCK,
    PASSWORD_CLAIM_SIGNATURE: btoa(String.fromCharCode(...signature)),
    TIMESTAMP: time,
  };
}

async function sharedKey(srp: Srp, identity: string, challenge: Challenge): Promise<ArrayBuffer> {
  const theirs = BigInt(`0x${challenge.SRP_B}`);
  if (theirs % PRIME === 0n) throw new Error("The server's SRP value is not valid.");
  const scramble = await hash(concat(bytesOf(BigInt(`0x${srp.publicValue}`)), bytesOf(theirs)));
  const multiplier = numberOf(await hash(concat(bytesOf(PRIME), bytesOf(GENERATOR))));
  const salt = bytesOf(BigInt(`0x${challenge.SALT}`));
  const exponent = numberOf(await hash(concat(salt, await hash(utf8(identity)))));
  const base = theirs - multiplier * power(GENERATOR, exponent);
  const secret = power(base, srp.secret + numberOf(scramble) * exponent);
  const material = await crypto.subtle.importKey("raw", bytesOf(secret), "HKDF", false, [
    "deriveBits",
  ]);
  const derivation = {
    name: "HKDF",
    hash: "SHA-256",
    salt: bytesOf(numberOf(scramble)),
    info: utf8(INFO),
  };
  return crypto.subtle.deriveBits(derivation, material, 128);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = ((base % PRIME) + PRIME) % PRIME;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % PRIME;
    square = (square * square) % PRIME;
  }
  return result;
}

/** Return the big-endian bytes, with a zero in front if the first bit is set, as Java's BigInteger does. */
function bytesOf(value: bigint): Bytes {
  const hex = value.toString(16);
  const even = hex.length % 2 ? `0${hex}` : hex;
  const padded = /^[89a-f]/.test(even) ? `00${even}` : even;
  return Uint8Array.from(padded.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function numberOf(bytes: Bytes): bigint {
  return BigInt(`0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`);
}

function concat(...parts: Bytes[]): Bytes {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

async function hash(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text) as Bytes;
}

function timestamp(now: Date): string {
  const time = now.toISOString().slice(11, 19);
  return `${DAYS[now.getUTCDay()]} ${MONTHS[now.getUTCMonth()]} ${now.getUTCDate()} ${time} UTC ${now.getUTCFullYear()}`;
}
