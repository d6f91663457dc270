// The page at /docs in a browser. tests/browser.sh runs it:
//
//   docs.js BROWSER URL SCREENSHOT
//
// PROTECTED_SERVER and DISABLED_SERVER name servers whose registration is like that.

import assert from 'node:assert/strict'
import { chromium } from 'playwright-core'

const [executablePath, openServer, screenshot] = process.argv.slice(2)
const { PROTECTED_SERVER: protectedServer, DISABLED_SERVER: disabledServer, INITIAL_ACCESS_TOKEN: initialToken } = process.env
// Chromium has no sandbox for root.
const browser = await chromium.launch({ executablePath, chromiumSandbox: process.getuid() !== 0 })

/** What the page reported to the console, and what it requested elsewhere. */
const reported = []
const elsewhere = []

async function open(options, server = openServer) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options })
  page.setDefaultTimeout(15_000)
  page.on('console', (message) => reported.push(message.text()))
  page.on('pageerror', (error) => reported.push(error.message))
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== server) elsewhere.push(request.url())
  })
  await page.goto(`${server}/docs`)
  await page.locator('details.operation').first().waitFor()
  return page
}

async function step(name, test) {
  await test()
  assert.deepEqual([reported.splice(0), elsewhere], [[], []], name)
  console.log(`ok: ${name}`)
}

/** Presses a button and waits for the response with this status below it. Returns the response. */
async function press(page, button, place, status) {
  // The previous response goes.
  await page.locator(place).evaluate((element) => element.replaceChildren())
  await page.locator(button).click()
  await page.locator(`${place} .status`, { hasText: status }).waitFor()
  return JSON.parse(await page.locator(`${place} pre`).last().innerText())
}

/** The claims as the page shows them. */
async function shown(page, table) {
  const rows = await page.locator(`${table} tr`).all()
  return Object.fromEntries(await Promise.all(rows.map(async (row) =>
    [await row.locator('th').innerText(), await row.locator('code').innerText()])))
}

const register = '#register button.primary'
const getToken = '#token button.primary'
let client

const page = await open({ colorScheme: 'light' })

await step('a client is registered', async () => {
  client = await press(page, register, '#register-out', '201')
  assert.equal(client.scope, 'read write')
  const curl = await page.locator('#register-out .curl').innerText()
  assert.match(curl, new RegExp(`^curl -s ${openServer}/register `))
})

await step('a token is issued, decoded and verified', async () => {
  await page.locator('#token [name=scope]').fill('read')
  await page.locator('#token [name=resource]').fill('https://api.example/v1')
  const { access_token: token } = await press(page, getToken, '#token-out', '200')
  await page.locator('#verdict.good', { hasText: 'Signature valid' }).waitFor()
  assert.equal(await page.locator('#jwt').innerText(), token)
  const header = await shown(page, '#jose')
  assert.deepEqual([header.typ, header.alg], ['at+jwt', 'RS256'])
  const claims = await shown(page, '#claims')
  assert.deepEqual([claims.iss, claims.sub, claims.aud, claims.scope],
    [openServer, client.client_id, 'https://api.example/v1', 'read'])
  assert.match(await page.locator('#claims tr', { hasText: 'exp' }).first().innerText(), /in 5 hours/)
})

await step('the screenshot is taken', async () => {
  await page.evaluate(() => {
    document.activeElement.blur()
    scrollTo({ top: 0, behavior: 'instant' })
  })
  const bottom = await page.locator('#decoded').evaluate((element) => element.getBoundingClientRect().bottom)
  await page.setViewportSize({ width: 1280, height: Math.ceil(bottom) + 10 })
  await page.screenshot({ path: screenshot })
  await page.setViewportSize({ width: 1280, height: 900 })
})

await step('the lines for curl work in a shell', async () => {
  const { execFileSync } = await import('node:child_process')
  const line = await page.locator('#token-out .curl').innerText()
  const answer = JSON.parse(execFileSync('sh', ['-c', line], { encoding: 'utf8' }))
  assert.equal(answer.scope, 'read')
})

await step('a token that was changed is not verified', async () => {
  const verdict = await page.evaluate(async (issuer) => {
    const { verify } = await import('/docs/jwt.js')
    const token = document.getElementById('jwt').textContent
    const { keys } = await (await fetch('/.well-known/jwks.json')).json()
    const [header, payload, signature] = token.split('.')
    const other = signature.startsWith('A') ? 'B' : 'A'
    return [
      await verify(token, issuer, keys),
      await verify(`${header}.${payload}.${other}${signature.slice(1)}`, issuer, keys),
      await verify(token, 'https://other.example', keys),
      await verify(token, issuer, []),
    ]
  }, openServer)
  assert.deepEqual(verdict, [null, 'Signature invalid', 'Another issuer', 'No key for it'])
})

await step('the token is active, and after its revocation it is not', async () => {
  assert.equal((await press(page, '#introspect', '#state-out', '200')).active, true)
  assert.deepEqual(await press(page, '#revoke', '#state-out', '200'), {})
  await page.locator('#verdict.warn', { hasText: 'Revoked' }).waitFor()
  assert.deepEqual(await press(page, '#introspect', '#state-out', '200'), { active: false })
})

await step('a wrong secret is refused', async () => {
  await page.locator('#token [name=client_secret]').fill('wrong')
  assert.equal((await press(page, getToken, '#token-out', '401')).error, 'invalid_client')
  // Chromium reports each response of this kind.
  assert.match(reported.pop(), /401 \(Unauthorized\)/)
})

await step('a client of client_secret_post gets a token', async () => {
  await page.locator('#register select').selectOption('client_secret_post')
  assert.equal((await press(page, register, '#register-out', '201')).token_endpoint_auth_method, 'client_secret_post')
  await press(page, getToken, '#token-out', '200')
  await page.locator('#verdict.good').waitFor()
})

await step('the reference shows every operation', async () => {
  const { paths } = await (await fetch(`${openServer}/openapi.json`)).json()
  const documented = Object.values(paths).flatMap((item) => Object.keys(item).filter((name) => name !== 'parameters'))
  assert.equal(await page.locator('details.operation').count(), documented.length)
  await page.locator('#operation-token > summary').click()
  const text = await page.locator('#operation-token .body').innerText()
  for (const wanted of ['grant_type', 'DPoP', 'use_dpop_nonce', 'clientSecretBasic', '503']) assert(text.includes(wanted), wanted)
})

await step('no secret is stored', async () => {
  const stored = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie])
  assert.deepEqual(stored, [0, 0, ''])
})
await page.close()

await step('the keyboard is enough', async () => {
  const page = await open({})
  for (const key of ['Tab', 'Enter']) await page.keyboard.press(key)
  await page.locator('#register [name=client_name]').focus()
  await page.keyboard.press('Enter')
  await page.locator('#register-out .status', { hasText: '201' }).waitFor()
  await page.locator('#token [name=scope]').focus()
  await page.keyboard.press('Enter')
  await page.locator('#verdict.good').waitFor()
  await page.close()
})

await step('it fits a narrow, dark screen', async () => {
  const page = await open({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' })
  await press(page, register, '#register-out', '201')
  await press(page, getToken, '#token-out', '200')
  await page.locator('#verdict.good').waitFor()
  const [width, visible] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
  assert(width <= visible, `${width} pixels on a screen of ${visible}`)
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  assert.equal(background, 'rgb(14, 19, 25)')
  await page.close()
})

await step('an initial access token is asked for where registration needs one', async () => {
  const page = await open({}, protectedServer)
  assert.deepEqual(await press(page, register, '#register-out', '401'), {})
  assert.match(reported.pop(), /401 \(Unauthorized\)/)
  await page.locator('#register [name=initial_access_token]').fill(initialToken)
  assert.equal((await press(page, register, '#register-out', '201')).scope, 'read')
  await press(page, getToken, '#token-out', '200')
  await page.locator('#verdict.good').waitFor()
  await page.close()
})

await step('nothing can be registered where registration is disabled', async () => {
  const page = await open({}, disabledServer)
  await page.locator('#register-hint', { hasText: 'Registration is disabled' }).waitFor()
  assert.equal(await page.locator(register).isDisabled(), true)
  assert.equal(await page.locator(getToken).isDisabled(), false)
  await page.close()
})

await browser.close()
