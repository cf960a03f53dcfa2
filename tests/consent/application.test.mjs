// A real browser at the example web application (examples/register-user-consent): the Register page, the simulator's
// login and consent, and the Manage list.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Stage, isClear } from './stage.mjs'

const LOOKS = [{ width: 1280, height: 800 }, { width: 390, height: 844 }, { width: 390, height: 844, dark: true }]
const nameOf = ({ width, dark }) => `${width}${dark ? '-dark' : ''}`

let stage
before(async () => {
  stage = await Stage.open()
  await stage.openApplication()
})
after(() => stage?.close())

const register = 'text=Register with your user account'
const allow = 'button[value=authorize]'
const deny = 'button[value=deny]'
const LIST = 'ServiceNow instances'
const heading = (page) => page.textContent('h1')

/** From the list to the consent page. */
async function atConsent(page) {
  const response = await page.goto(stage.address)
  await page.click(register)
  await page.waitForSelector('#loginPage, #current_user')
  if (await page.$('#loginPage')) await stage.signIn(page)
  return response
}

/** Presses a button; the last page that comes of it. */
async function press(page, button) {
  const [response] = await Promise.all([
    page.waitForResponse((response) => response.url().startsWith(stage.address) && response.status() !== 303),
    page.click(button),
  ])
  await page.waitForLoadState()
  return response
}

const status = async () => {
  const { ok, error } = await stage.desk.ask('status', { customer_id: stage.account.customer_id, instance_url: stage.instance })
  return ok?.status ?? error.kind
}

async function afresh() {
  if (await status() === 'registered') {
    await stage.desk.do('unregister', { customer_id: stage.account.customer_id, instance_url: stage.instance })
  }
  await stage.control('DELETE', '/requests')
}

test('the list, Register, Allow, and the list again, at every size', async () => {
  for (const look of LOOKS) {
    await afresh()
    const person = await stage.person(look)
    await isClear(person.page, await person.page.goto(stage.address), LIST)
    await stage.shot(person.page, `application-before-${nameOf(look)}`)
    await atConsent(person.page)
    await isClear(person.page, await press(person.page, allow), LIST)
    assert.equal(new URL(person.page.url()).pathname, '/', 'no code stays in the address')
    const text = await person.page.textContent('main')
    for (const word of [stage.account.customer_id, stage.user.user_name, new URL(stage.instance).host]) assert.ok(text.includes(word), word)
    await stage.shot(person.page, `application-after-${nameOf(look)}`)
    assert.equal(await status(), 'registered')
    await person.leave()
  }
})

test('Deny leads to a page that says so, and back to the list', async () => {
  for (const look of LOOKS) {
    await afresh()
    const person = await stage.person(look)
    await atConsent(person.page)
    await isClear(person.page, await press(person.page, deny), 'Not allowed')
    await stage.shot(person.page, `application-denied-${nameOf(look)}`)
    await person.page.click('a')
    assert.equal(await heading(person.page), LIST)
    assert.notEqual(await status(), 'registered')
    await person.leave()
  }
})

test('an instance that cannot serve leads to a page that says what to do', async () => {
  await afresh()
  for (const look of LOOKS) {
    const person = await stage.person(look)
    await atConsent(person.page)
    await stage.control('POST', '/faults', { on: 'dev1', fault: 'hibernating', route: 'token' })
    await isClear(person.page, await press(person.page, allow), 'Not registered')
    await stage.shot(person.page, `application-failed-${nameOf(look)}`)
    await person.leave()
  }
  assert.notEqual(await status(), 'registered')
})

test('whoever closes the window can begin again', async () => {
  await afresh()
  const person = await stage.person()
  await atConsent(person.page)
  await person.page.close()
  person.page = await person.context.newPage()
  await atConsent(person.page)
  await press(person.page, allow)
  assert.equal(await heading(person.page), LIST)
  assert.equal(await status(), 'registered')
  await person.leave()
})

test('the back button and a second Allow exchange nothing again, and the list tells what is true', async () => {
  await afresh()
  const person = await stage.person()
  await atConsent(person.page)
  const consent = person.page.url()
  await press(person.page, allow)
  // Back, past the list, to the consent page.
  while (person.page.url() !== consent) await person.page.goBack()
  await press(person.page, allow)
  assert.equal(await heading(person.page), 'Already answered')
  await person.page.click('a')
  assert.match(await person.page.textContent('main'), /Registered/)
  assert.equal(await stage.exchanges(), 1)
  await person.leave()
})

test('a double click on Register and on Allow is one registration', async () => {
  await afresh()
  const person = await stage.person()
  await person.page.goto(stage.address)
  await person.page.dblclick(register)
  await person.page.waitForSelector('#loginPage')
  await stage.signIn(person.page)
  await person.page.dblclick(allow)
  await person.page.waitForURL((url) => url.href.startsWith(stage.address))
  assert.ok([LIST, 'Already answered'].includes(await heading(person.page)))
  await person.page.goto(stage.address)
  assert.match(await person.page.textContent('main'), /Registered/)
  assert.equal(await stage.exchanges(), 1)
  await person.leave()
})

test('of two tabs the one that was begun last wins, and the other is told', async () => {
  await afresh()
  const person = await stage.person()
  await atConsent(person.page)
  const other = await person.context.newPage()
  await atConsent(other)
  await press(person.page, allow)
  assert.equal(await heading(person.page), 'Not registered')
  assert.notEqual(await status(), 'registered')
  await press(other, allow)
  assert.equal(await heading(other), LIST)
  assert.equal(await status(), 'registered')
  assert.equal(await stage.exchanges(), 1)
  await person.leave()
})

test('another browser cannot finish what this one began', async () => {
  await afresh()
  const [person, stranger] = [await stage.person(), await stage.person()]
  await atConsent(person.page)
  // The same press, without going where it leads: the callback opens elsewhere first.
  const form = { sysparm_ck: await person.page.inputValue('[name=sysparm_ck]'), oauth_auth_check_action: 'authorize' }
  const allowed = await person.page.request.post(person.page.url(), { form, maxRedirects: 0 })
  const callback = allowed.headers().location
  const response = await stranger.page.goto(callback)
  assert.equal(response.status(), 400)
  assert.notEqual(await status(), 'registered')
  await person.page.goto(callback)
  assert.equal(await status(), 'registered', 'the one who began it still can')
  await Promise.all([person.leave(), stranger.leave()])
})
