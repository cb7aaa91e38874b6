// Copyright: (c) 2026, the certops.acm authors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Reads a list of requests with the policies that hold for them, and writes IAM's answer to each.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

// From the directory of the process: the packages are not beside this file.
const require = createRequire(process.cwd() + '/')
const { runSimulation } = require('@cloud-copilot/iam-simulate')

const named = (policies) => policies.map((policy, index) => ({ name: `policy${index}`, policy }))

async function answer({ action, resource, account, principal, context, policies, boundary, trust }) {
  const answered = await runSimulation(
    {
      request: { principal, action, resource: { resource, accountId: account }, contextVariables: context },
      identityPolicies: named(policies),
      resourcePolicy: trust ?? undefined,
      permissionBoundaryPolicies: boundary ? named([boundary]) : undefined,
      serviceControlPolicies: [],
      resourceControlPolicies: []
    },
    {}
  )
  if (answered.resultType === 'error') {
    return { error: JSON.stringify(answered.errors) }
  }
  const results = answered.result ? [answered.result] : answered.results
  return { result: answered.overallResult, ignored: results.flatMap((result) => result.ignoredContextKeys ?? []) }
}

const requests = JSON.parse(readFileSync(0, 'utf8'))
process.stdout.write(JSON.stringify(await Promise.all(requests.map((asked) => answer(asked).catch((error) => ({ error: String(error) }))))))
