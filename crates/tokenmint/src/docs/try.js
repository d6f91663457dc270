// The part of the page that uses the server: register, token, introspect, revoke. Secrets and tokens are kept in
// variables and in the page, nowhere else.

import { byId, copyButton, element, showExchange, showFailure } from './dom.js'
import { decode, verify } from './jwt.js'

const FORM = 'application/x-www-form-urlencoded'
const METHODS = ['client_secret_basic', 'client_secret_post']
const MEANINGS = {
  iss: 'Issuer', sub: 'Subject: the client acts for itself', client_id: 'Client', aud: 'Audience: who may accept it',
  exp: 'Expires', iat: 'Issued', jti: 'Identifier of the token', scope: 'Scope', cnf: 'Bound to this key',
  typ: 'An access token (RFC 9068)', alg: 'Signature algorithm', kid: 'Key in the key set',
}

/** The methods that clients registered here, by their identifier. */
const methods = new Map()
let metadata = {}
/** The token that is shown, with the credentials that it was issued for. */
let current = null

const quoted = (text) => /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** Sends a request and shows it. Returns the response if it is a success, else `null`. */
async function exchange(button, place, path, { headers = {}, body, curl }) {
  button.disabled = true
  try {
    const answer = await fetch(path, { method: 'POST', headers, body, credentials: 'omit', redirect: 'error' })
    const response = { status: answer.status, statusText: answer.statusText, body: await answer.json() }
    showExchange(place, `curl -s ${location.origin}${path} ${curl}`, response)
    return { ok: answer.ok, ...response }
  } catch (error) {
    showFailure(place, error)
    return null
  } finally {
    button.disabled = false
  }
}

/** A request of an authenticated client (RFC 6749 section 2.3.1). */
function authenticated({ id, secret }, parameters) {
  const form = new URLSearchParams(parameters)
  const encoded = (text) => new URLSearchParams([['', text]]).toString().slice(1)
  const lines = [...form].map(([name, value]) => `\\\n  --data-urlencode ${quoted(`${name}=${value}`)}`)
  const headers = { 'Content-Type': FORM }
  if (methods.get(id) === 'client_secret_post') {
    lines.push(`\\\n  --data-urlencode ${quoted(`client_id=${id}`)}`, `\\\n  --data-urlencode ${quoted(`client_secret=${secret}`)}`)
    form.append('client_id', id)
    form.append('client_secret', secret)
  } else {
    headers.Authorization = `Basic ${btoa(`${encoded(id)}:${encoded(secret)}`)}`
    lines.unshift(`-u ${quoted(`${encoded(id)}:${encoded(secret)}`)}`)
  }
  return { headers, body: form.toString(), curl: lines.join(' ') }
}

async function register(event) {
  event.preventDefault()
  const form = event.target
  const fields = Object.fromEntries(new FormData(form))
  const { initial_access_token: token, ...members } = fields
  const body = JSON.stringify(Object.fromEntries(Object.entries(members).filter(([, value]) => value)))
  const headers = { 'Content-Type': 'application/json' }
  let curl = `\\\n  -H 'Content-Type: application/json' `
  if (token) {
    headers.Authorization = `Bearer ${token}`
    curl += `\\\n  -H ${quoted(`Authorization: Bearer ${token}`)} `
  }
  curl += `\\\n  -d ${quoted(body)}`
  const response = await exchange(event.submitter, byId('register-out'), '/register', { headers, body, curl })
  if (response?.status === 401) {
    byId('initial').hidden = false
    say('Registration is protected. An operator creates initial access tokens with `tokenmint registration-token create`.')
    form.elements.initial_access_token.focus()
  }
  if (!response?.ok) return
  const { client_id: id, client_secret: secret, scope = '', token_endpoint_auth_method: method } = response.body
  methods.set(id, method)
  const fill = byId('token').elements
  Object.assign(fill.client_id, { value: id })
  Object.assign(fill.client_secret, { value: secret })
  Object.assign(fill.scope, { value: scope })
}

async function getToken(event) {
  event.preventDefault()
  const { client_id: id, client_secret: secret, scope, resource } = Object.fromEntries(new FormData(event.target))
  const parameters = [['grant_type', 'client_credentials'], ['scope', scope], ['resource', resource]].filter(([, value]) => value)
  const client = { id, secret }
  const response = await exchange(event.submitter, byId('token-out'), '/token', authenticated(client, parameters))
  if (response?.ok) await show({ token: response.body.access_token, client })
}

/** Shows a token: as sent, decoded, and whether it is valid. */
async function show(shown) {
  current = shown
  const { header, claims, parts } = decode(shown.token)
  const classes = ['header', 'payload', 'signature']
  const spans = parts.map((part, index) => element('span', { class: classes[index], text: part }))
  byId('jwt').replaceChildren(spans[0], '.', spans[1], '.', spans[2])
  byId('jose').replaceChildren(...rows(header))
  byId('claims').replaceChildren(...rows(claims))
  byId('state-out').replaceChildren()
  byId('no-token').hidden = true
  byId('token-parts').hidden = false
  verdict('Verifying', '')
  try {
    const keys = await (await fetch('/.well-known/jwks.json', { cache: 'no-cache' })).json()
    const wrong = await verify(shown.token, metadata.issuer, keys.keys)
    if (wrong) verdict(wrong, 'bad')
    else verdict('Signature valid', 'good')
  } catch (error) {
    verdict(`Not verified: ${error.message}`, 'bad')
  }
}

function rows(object) {
  return Object.entries(object).map(([name, value]) => {
    const isTime = name === 'exp' || name === 'iat'
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
    const meaning = isTime ? `${MEANINGS[name]} ${time(value)}` : MEANINGS[name]
    return element('tr', {}, element('th', { scope: 'row', text: name }),
      element('td', {}, element('code', { text }), meaning ? element('small', { text: meaning }) : null))
  })
}

/** A time for people: the date, and how far away it is. */
function time(seconds) {
  const date = new Date(seconds * 1000)
  const distance = seconds - Date.now() / 1000
  const units = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]]
  const [unit, size] = units.find(([, size]) => Math.abs(distance) >= size) ?? units.at(-1)
  const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(Math.round(distance / size), unit)
  return `${date.toLocaleString('en', { dateStyle: 'medium', timeStyle: 'medium' })} (${relative})`
}

function verdict(text, kind) {
  Object.assign(byId('verdict'), { textContent: text, className: `badge ${kind}` })
}

async function act(event, path) {
  const { token, client } = current
  const request = authenticated(client, [['token', token]])
  const response = await exchange(event.target, byId('state-out'), path, request)
  if (!response?.ok || current.token !== token) return
  if (path === '/revoke') verdict('Revoked', 'warn')
  else if (!response.body.active) verdict('Inactive', 'warn')
}

function say(text) {
  const parts = text.split('`')
  const hint = byId('register-hint')
  hint.replaceChildren(...parts.map((part, index) => index % 2 ? element('code', { text: part }) : part))
  hint.hidden = false
}

async function start() {
  byId('origin').textContent = location.origin
  byId('register').addEventListener('submit', register)
  byId('token').addEventListener('submit', getToken)
  byId('introspect').addEventListener('click', (event) => act(event, '/introspect'))
  byId('revoke').addEventListener('click', (event) => act(event, '/revoke'))
  const copy = copyButton(() => current.token, 'Copy the token')
  if (copy) {
    copy.className = ''
    byId('copy').replaceWith(copy)
  } else byId('copy').remove()
  byId('register-out').append(element('p', { class: 'hint', text: 'The request and the response appear here.' }))
  byId('token-out').append(element('p', { class: 'hint', text: 'Register a client first, or enter the credentials of one.' }))

  metadata = await (await fetch('/.well-known/oauth-authorization-server')).json()
  const { scopes_supported: scopes, token_endpoint_auth_methods_supported: offered, registration_endpoint: open } = metadata
  byId('register').elements.scope.value = scopes.join(' ')
  const choice = byId('register').elements.token_endpoint_auth_method
  choice.replaceChildren(...METHODS.filter((method) => offered.includes(method)).map((text) => element('option', { text })))
  if (!open) {
    for (const control of byId('register').elements) control.disabled = true
    say('Registration is disabled on this server. Operators create clients with `tokenmint client create`.')
  }
}

await start()
