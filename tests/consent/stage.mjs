// What every browser test stands on: the simulator, the desk, the web application, Chromium, and looks at a page.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import readline from 'node:readline'
import { chromium } from 'playwright-core'

const variable = (name) => process.env[name] ?? assert.fail(`${name} is not set; run tests/run browser`)
const shots = variable('ITSM_SCREENSHOTS')
fs.mkdirSync(shots, { recursive: true })

/** Starts a program that lives as long as its input is open; the first line it prints, and a way to go on reading. */
async function start(program, args, env) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = readline.createInterface({ input: child.stdout })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const stop = () => { child.stdin.end(); child.kill(); return ended }
  return { child, lines, ended, stop }
}

const firstLine = (started) => new Promise((resolve, reject) => {
  started.lines.once('line', resolve)
  started.ended.then((status) => reject(new Error(`it ended with ${status}`)))
})

/** A port of loopback that nobody listens on just now. */
export const freePort = () => new Promise((resolve) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    server.close(() => resolve(port))
  })
})

export class Stage {
  static async open() {
    const stage = new Stage()
    stage.simulatorProcess = await start(variable('ITSM_SIMULATOR'), ['--until-stdin-closes'])
    stage.simulator = JSON.parse(await firstLine(stage.simulatorProcess))
    stage.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'itsm-consent-'))
    stage.environment = {
      ITSM_ADAPTER_STORE: path.join(stage.folder, 'adapter.db'),
      ITSM_ADAPTER_KEY: '11'.repeat(32),
      CITRIX_URL: stage.simulator.citrix_url,
      SERVICENOW_HOSTS: '127.0.0.1',
      ITSM_ADAPTER_ALLOW_PRIVATE_NETWORKS: 'true',
    }
    stage.instance = stage.simulator.servicenow_url
    stage.account = stage.simulator.accounts[0]
    stage.endpoint = stage.simulator.oauth_clients[0]
    stage.user = stage.simulator.users.find((user) => user.user_name === 'svc.citrix')
    stage.desk = await Desk.open(stage)
    await stage.desk.do('add_account', pick(stage.account, 'customer_id', 'client_id', 'client_secret'))
    stage.browser = await chromium.launch({
      executablePath: variable('CHROMIUM'),
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync'],
    })
    return stage
  }

  async close() {
    await this.browser?.close()
    for (const one of [this.desk, this.application, this.simulatorProcess]) await one?.stop()
    fs.rmSync(this.folder, { recursive: true, force: true })
  }

  /** The web application of the examples, at an address that the instance knows as redirect URL. */
  async openApplication() {
    const port = await freePort()
    this.address = `http://127.0.0.1:${port}`
    await this.redirects(`${this.address}/callback`)
    this.application = await start(variable('ITSM_CONSENT_APP'), [], {
      ...this.environment,
      CUSTOMER_ID: this.account.customer_id,
      INSTANCE_URL: this.instance,
      SERVICENOW_CLIENT_ID: this.endpoint.client_id,
      SERVICENOW_CLIENT_SECRET: this.endpoint.client_secret,
      PUBLIC_URL: this.address,
      LISTEN: `127.0.0.1:${port}`,
    })
    assert.equal(await firstLine(this.application), `Open ${this.address}`)
  }

  async control(method, where, body) {
    const answer = await fetch(this.simulator.control_url + where, { method, body: body && JSON.stringify(body) })
    assert.equal(answer.status, 200, `${method} ${where}`)
    return answer.json()
  }

  redirects(redirect_url) {
    return this.control('PATCH', `/instances/dev1/oauth_clients/${this.endpoint.client_id}`, { redirect_url })
  }

  /** How many codes were exchanged since the log was emptied. */
  async exchanges() {
    const { requests } = await this.control('GET', '/requests')
    return requests.filter((request) => request.grant_type === 'authorization_code').length
  }

  /** A browser that nobody has used before. What it asks for goes to loopback, or the test fails at `leave`. */
  async person({ width = 1280, height = 800, dark = false } = {}) {
    const context = await this.browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light' })
    context.setDefaultTimeout(10_000)
    const asked = []
    context.on('request', (request) => asked.push(request.url()))
    const page = await context.newPage()
    const leave = async () => {
      await context.close()
      const foreign = asked.filter((url) => new URL(url).hostname !== '127.0.0.1')
      assert.deepEqual(foreign, [], 'nothing is loaded from elsewhere')
    }
    return { context, page, leave }
  }

  async signIn(page) {
    await page.fill('#user_name', this.user.user_name)
    await page.fill('#user_password', this.user.password)
    await page.click('#sysverb_login')
    await page.waitForSelector('#current_user')
  }

  shot(page, name) {
    return page.screenshot({ path: path.join(shots, `${name}.png`), fullPage: true })
  }
}

export const pick = (from, ...names) => Object.fromEntries(names.map((name) => [name, from[name]]))

/** The program that begins flows and waits for them. */
export class Desk {
  static async open(stage) {
    const desk = new Desk()
    desk.stage = stage
    desk.process = await start(variable('ITSM_DESK'), [], stage.environment)
    desk.pending = new Map()
    desk.number = 0
    desk.process.lines.on('line', (line) => {
      const { id, ok, error } = JSON.parse(line)
      desk.pending.get(id)(error ? { error } : { ok })
    })
    return desk
  }

  /** What became of it: `ok` or `error`. */
  ask(what, details) {
    const id = ++this.number
    const answer = new Promise((resolve) => this.pending.set(id, resolve))
    this.process.child.stdin.write(JSON.stringify({ id, do: what, ...details }) + '\n')
    return answer
  }

  async do(what, details) {
    const { ok, error } = await this.ask(what, details)
    assert.ifError(error && new Error(`${what}: ${error.kind}: ${error.message}`))
    return ok
  }

  /** Listens at an address of its own, which the instance is told. */
  async listen() {
    const { account, instance, endpoint } = this.stage
    const redirect_url = `http://127.0.0.1:${await freePort()}/callback`
    await this.stage.redirects(redirect_url)
    await this.stage.control('DELETE', '/requests')
    const begun = await this.do('listen', { ...pick(account, 'customer_id'), instance_url: instance, ...pick(endpoint, 'client_id', 'client_secret'), redirect_url })
    return { ...begun, outcome: (timeout_ms = null) => this.ask('wait', { flow_id: begun.flow_id, timeout_ms }) }
  }

  stop() { return this.process.stop() }
}

/** Fails unless a page of ours is one that everybody can read, and that loads nothing and runs nothing. */
export async function isClear(page, response, heading) {
  const headers = response.headers()
  assert.match(headers['content-security-policy'], /^default-src 'none'/)
  assert.doesNotMatch(headers['content-security-policy'], /unsafe|\*/)
  assert.match(headers['content-security-policy'], /frame-ancestors 'none'/)
  assert.equal(headers['cache-control'], 'no-store')
  assert.equal(headers['x-content-type-options'], 'nosniff')
  const seen = await page.evaluate(() => {
    const rgb = (text) => text.match(/[\d.]+/g).map(Number)
    const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const colour = rgb(getComputedStyle(at).backgroundColor)
        if (colour[3] !== 0) return colour
      }
      return [255, 255, 255]
    }
    const texts = [...document.querySelectorAll('h1, p, th, td, a, button, dt, dd, label')].filter((element) => element.textContent.trim())
    const contrast = (element) => {
      const [a, b] = [light(rgb(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x)
      return (a + 0.05) / (b + 0.05)
    }
    return {
      lang: document.documentElement.lang,
      title: document.title,
      headings: [...document.querySelectorAll('h1')].map((h1) => h1.textContent),
      mains: document.querySelectorAll('main').length,
      scripts: document.scripts.length,
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      worst: Math.min(...texts.map(contrast)),
      smallest: Math.min(...texts.map((element) => parseFloat(getComputedStyle(element).fontSize))),
      lowest: Math.min(...[...document.querySelectorAll('a, button')].map((element) => element.getBoundingClientRect().height)),
    }
  })
  assert.equal(seen.lang, 'en')
  assert.deepEqual(seen.headings, [heading])
  assert.ok(seen.title.startsWith(heading), `title: ${seen.title}`)
  assert.equal(seen.mains, 1)
  assert.equal(seen.scripts, 0)
  assert.ok(seen.overflow <= 0, `the page is ${seen.overflow} px wider than its window`)
  assert.ok(seen.worst >= 4.5, `contrast ${seen.worst.toFixed(2)}`)
  assert.ok(seen.smallest >= 14, `text of ${seen.smallest} px`)
  assert.ok(seen.lowest >= 24, `something to press is ${seen.lowest} px high`)
}
