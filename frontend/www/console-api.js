/**
 * The daemon's numbers, and what may be changed: /console/api/ as described in
 * nws-protocol(7).
 */
/* nwsd itself gives up after 5 s, and says why. */
const TIMEOUT_MS = 8000;
const meta = (name, page = document) =>
  page.querySelector(`meta[name=nws-${name}]`)?.content;
let token = meta('token');

/** Whether nwsd.conf lets the console change anything. */
export const mayChange = meta('console') !== 'read-only';

/** code: down (no answer), refused, busy (not all processes answered). */
export class ApiError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

async function request(path, method) {
  try {
    return await fetch(`/console/api/${path}`, { method, cache: 'no-store',
      headers: { 'X-NWS-Token': token },
      signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    throw new ApiError('down', 'nwsd does not answer');
  }
}

/**
 * A daemon that was started again has another token, in a fresh page.  Whether
 * there is one in place of that which was refused: another request may have
 * fetched it meanwhile.
 */
async function renewed(refused) {
  if (token !== refused)
    return true;
  try {
    const page = new DOMParser().parseFromString(await (await fetch(
      '/console', { cache: 'no-store' })).text(), 'text/html');
    const fresh = meta('token', page);
    if (!fresh || fresh === refused)
      return false;
    token = fresh;
    return true;
  } catch {
    return false;
  }
}

async function answer(path, method = 'GET') {
  const shown = token;
  let response = await request(path, method);
  if (response.status === 403 && await renewed(shown))
    response = await request(path, method);
  let body;
  try {
    body = await response.json();
  } catch {
    body = {};
  }
  if (response.ok)
    return body;
  if (response.status === 404)
    throw new ApiError('refused', 'The console is switched off in nwsd.conf');
  throw new ApiError(response.status === 503 ? 'busy' : 'refused',
    body.error ?? `nwsd answered ${response.status}`);
}

/** What `nwsctl show WHAT -j` has of WHAT. */
export async function show(what) {
  return (await answer(what))[what] ?? [];
}

/** verb: allow, deny, revoke. */
export function decide(verb, origin, { scopes = [], seconds } = {}) {
  const query = new URLSearchParams({ verb, origin });
  if (scopes.length > 0)
    query.set('scope', scopes.join(','));
  if (seconds !== undefined)
    query.set('for', seconds);
  return answer(`origin?${query}`, 'POST');
}

export const closeClient = (id) =>
  answer(`close?client=${encodeURIComponent(id)}`, 'POST');
