// A real browser at the simulator's login and consent, on its way to a listener on loopback.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Desk, Stage, isClear, pick } from './stage.mjs'

const LOOKS = [{ width: 1280, height: 800 }, { width: 390, height: 844 }, { width: 390, height: 844, dark: true }]
const nameOf = ({ width, dark }) => `${width}${dark ? '-dark' : ''}`

let stage
before(async () => { stage = await Stage.open() })
after(() => stage?.close())

const allow = 'button[value=authorize]'
const deny = 'button[value=deny]'
const heading = (page) => page.textContent('h1')

/** Opens the flow and signs in: the consent page is there. */
async function atConsent(person, begun) {
  await person.page.goto(begun.authorization_url)
  await stage.signIn(person.page)
}

/** Presses a button, and waits for the page of the listener. */
async function press(page, button) {
  const [response] = await Promise.all([page.waitForResponse((response) => response.url().includes('/callback')), page.click(button)])
  await page.waitForLoadState()
  return response
}

const unregister = () => stage.desk.do('unregister', { customer_id: stage.account.customer_id, instance_url: stage.instance })

test('Allow registers, and the page says so at every size', async () => {
  for (const look of LOOKS) {
    const begun = await stage.desk.listen()
    const person = await stage.person(look)
    await atConsent(person, begun)
    const outcome = begun.outcome()
    const response = await press(person.page, allow)
    await isClear(person.page, response, 'Registered')
    assert.match(await person.page.textContent('main'), new RegExp(`${stage.user.user_name}.*${stage.account.customer_id}`))
    assert.equal((await outcome).ok.user_name, stage.user.user_name)
    await stage.shot(person.page, `desk-registered-${nameOf(look)}`)
    await person.leave()
  }
  await unregister()
})

test('Deny is told as a decision, not as a failure', async () => {
  for (const look of LOOKS) {
    const begun = await stage.desk.listen()
    const person = await stage.person(look)
    await atConsent(person, begun)
    const outcome = begun.outcome()
    await isClear(person.page, await press(person.page, deny), 'Not allowed')
    assert.equal((await outcome).error.kind, 'consent_denied')
    await stage.shot(person.page, `desk-denied-${nameOf(look)}`)
    await person.leave()
  }
  assert.equal(await stage.exchanges(), 0)
})

test('an instance that cannot serve leads to a page that says what to do', async () => {
  for (const look of LOOKS) {
    const begun = await stage.desk.listen()
    const person = await stage.person(look)
    await atConsent(person, begun)
    await stage.control('POST', '/faults', { on: 'dev1', fault: 'hibernating', route: 'token' })
    const outcome = begun.outcome()
    await isClear(person.page, await press(person.page, allow), 'Not registered')
    const { error } = await outcome
    assert.equal(error.kind, 'unavailable')
    assert.ok((await person.page.textContent('main')).includes(error.remedy))
    await stage.shot(person.page, `desk-failed-${nameOf(look)}`)
    await person.leave()
  }
})

test('the closed window ends the wait in time, and the flow is used up', async () => {
  const begun = await stage.desk.listen()
  const person = await stage.person()
  await atConsent(person, begun)
  await person.page.close()
  assert.equal((await begun.outcome(1)).error.kind, 'timeout')
  // A second window of the same browser is still signed in, and comes too late: nobody listens.
  const page = await person.context.newPage()
  const [lost] = await Promise.all([page.waitForEvent('requestfailed'), page.goto(begun.authorization_url).then(() => page.click(allow).catch(() => {}))])
  assert.ok(lost.url().startsWith(begun.redirect_url), lost.url())
  const late = await stage.desk.ask('complete', { callback_url: lost.url() })
  assert.deepEqual([late.error.kind, late.error.context.reason], ['flow_expired', 'used'])
  await person.leave()
})

test('a wait that is given up ends the listener, and the flow is used up', { timeout: 30_000 }, async () => {
  const begun = await stage.desk.listen()
  const person = await stage.person()
  await atConsent(person, begun)
  begun.outcome()
  await stage.desk.do('cancel', { flow_id: begun.flow_id })
  const [lost] = await Promise.all([person.page.waitForEvent('requestfailed'), person.page.click(allow).catch(() => {})])
  // Giving up goes on behind the one who does not wait any more; until then the callback is refused for its session.
  let late
  do late = await stage.desk.ask('complete', { callback_url: lost.url() })
  while (late.error.context.reason === 'session')
  assert.deepEqual([late.error.kind, late.error.context.reason], ['flow_expired', 'used'])
  assert.equal(await stage.exchanges(), 0)
  await person.leave()
})

test('the back button, the reload and a second Allow show the same page and exchange nothing again', async () => {
  const begun = await stage.desk.listen()
  const person = await stage.person()
  await atConsent(person, begun)
  const outcome = begun.outcome()
  await press(person.page, allow)
  await outcome
  await person.page.reload()
  assert.equal(await heading(person.page), 'Registered')
  await person.page.goBack()
  await press(person.page, allow)
  assert.equal(await heading(person.page), 'Registered')
  assert.equal(await stage.exchanges(), 1)
  await person.leave()
  await unregister()
})

test('a double click on Allow is one consent', async () => {
  const begun = await stage.desk.listen()
  const person = await stage.person()
  await atConsent(person, begun)
  const outcome = begun.outcome()
  await person.page.dblclick(allow)
  await person.page.waitForURL(/\/callback/)
  assert.equal(await heading(person.page), 'Registered')
  assert.equal((await outcome).ok.user_name, stage.user.user_name)
  assert.equal(await stage.exchanges(), 1)
  await person.leave()
  await unregister()
})

test('of two tabs one wins, and the other is told', async () => {
  const begun = await stage.desk.listen()
  const person = await stage.person()
  await atConsent(person, begun)
  const other = await person.context.newPage()
  await other.goto(begun.authorization_url)
  const outcome = begun.outcome()
  await Promise.all([press(person.page, allow), press(other, allow)])
  assert.deepEqual([await heading(person.page), await heading(other)], ['Registered', 'Registered'])
  assert.ok((await outcome).ok)
  assert.equal(await stage.exchanges(), 1)
  await person.leave()
  await unregister()
})

test('of two tabs that decide differently the first decision counts', async () => {
  const begun = await stage.desk.listen()
  const person = await stage.person()
  await atConsent(person, begun)
  const other = await person.context.newPage()
  await other.goto(begun.authorization_url)
  const outcome = begun.outcome()
  await press(person.page, deny)
  await press(other, allow)
  assert.equal(await heading(other), 'Not allowed')
  assert.equal((await outcome).error.kind, 'consent_denied')
  assert.equal(await stage.exchanges(), 0)
  await person.leave()
})

test('what does not belong here is turned away, and the flow goes on', async () => {
  for (const look of LOOKS) {
    const begun = await stage.desk.listen()
    const person = await stage.person(look)
    const outcome = begun.outcome()
    const state = new URL(begun.authorization_url).searchParams.get('state')
    for (const query of ['', '?code=1', `?code=1&state=${'x'.repeat(75)}`, `?code=1&code=2&state=${state}`]) {
      const response = await person.page.goto(begun.redirect_url + query)
      assert.equal(response.status(), 400, query)
      await isClear(person.page, response, 'This does not belong here')
    }
    await stage.shot(person.page, `desk-foreign-${nameOf(look)}`)
    assert.equal((await person.page.request.get(new URL('/favicon.ico', begun.redirect_url).href)).status(), 404)
    await atConsent(person, begun)
    await press(person.page, allow)
    assert.ok((await outcome).ok)
    await person.leave()
  }
  await unregister()
})

test('the page is there although the program ends at once', async () => {
  const desk = await Desk.open(stage)
  const begun = await desk.listen()
  const person = await stage.person()
  await atConsent(person, begun)
  desk.ask('wait_and_end', pick(begun, 'flow_id'))
  await press(person.page, allow)
  assert.equal(await heading(person.page), 'Registered')
  assert.equal(await desk.process.ended, 0)
  assert.match(await person.page.textContent('main'), /You can close this window/)
  await person.leave()
  await desk.stop()
  await unregister()
})
