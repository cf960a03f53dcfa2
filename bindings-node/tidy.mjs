// Documentation that came through a macro reaches index.d.ts with the mark of a raw string; this takes it off.
import { readFileSync, writeFileSync } from 'node:fs'

const file = process.argv[2] ?? 'index.d.ts'
writeFileSync(file, readFileSync(file, 'utf8').replace(/\* r"( |$)/gm, (_, space) => `*${space}`))
