import type { PasskeyOptions } from "~/api/schemas";

/** Whether passkeys work here: in a secure context, and not under a number in the place of a name. */
export function hasPasskeys(): boolean {
  const isNumber = /^[\d.]+$|^\[/.test(location.hostname);
  return !isNumber && typeof PublicKeyCredential === "function" && typeof PublicKeyCredential.parseRequestOptionsFromJSON === "function";
}

type Json = Record<string, unknown>;

/** Has the device make a passkey; `null` if its owner has thought better of it. */
export async function makePasskey({ options }: PasskeyOptions): Promise<Json | null> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as unknown as PublicKeyCredentialCreationOptionsJSON);
  return answer(() => navigator.credentials.create({ publicKey }));
}

/** Has the device sign with a passkey; `null` if its owner has thought better of it. */
export async function unlockPasskey({ options }: PasskeyOptions): Promise<Json | null> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as unknown as PublicKeyCredentialRequestOptionsJSON);
  return answer(() => navigator.credentials.get({ publicKey }));
}

async function answer(ask: () => Promise<Credential | null>): Promise<Json | null> {
  try {
    const credential = await ask();
    return credential === null ? null : ((credential as PublicKeyCredential).toJSON() as unknown as Json);
  } catch (error) {
    // A closed window and a device that is known already: browsers do not tell more, so that pages cannot ask around.
    if (error instanceof DOMException && (error.name === "NotAllowedError" || error.name === "InvalidStateError")) return null;
    throw error;
  }
}
