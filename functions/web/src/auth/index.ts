/**
 * Who calls. The API takes a bearer token (or none, with AUTH_MODE=none). A team with a sign-in of its own gives `provide` a
 * provider in main.ts; nothing else in the app knows where tokens come from.
 */
export interface AuthProvider {
  /** The bearer token, null where none is needed. `refused`: the one that the API has just not taken; a fresh one is wanted. */
  token(refused?: string): Promise<string | null>
  /** Takes the user to the sign-in. Where it is missing, the app offers none. */
  signIn?(): Promise<void>
}

const nobody: AuthProvider = { token: async () => null }

let provider = nobody

export function provide(replacement: AuthProvider | null): void {
  provider = replacement ?? nobody
}

export function auth(): AuthProvider {
  return provider
}
