// SPDX-License-Identifier: Apache-2.0
//
// A refused method closes its channel with code and text, and nothing else.
'use strict';

const assert = require('assert');
const {amqp, run} = require('./client');

run(async (connection) => {
  const refusals = [
    [(channel) => channel.checkQueue('absent'), 404, "NOT_FOUND - no queue 'absent' in vhost '/'"],
    [(channel) => channel.assertExchange('amq.direct', 'fanout'), 406,
      "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'amq.direct' in vhost '/': " +
      "received 'fanout' but current is 'direct'"],
    [(channel) => channel.bindQueue('absent', 'amq.direct', ''), 404,
      "NOT_FOUND - no queue 'absent' in vhost '/'"],
    [(channel) => channel.consume('absent', () => {}), 404,
      "NOT_FOUND - no queue 'absent' in vhost '/'"],
  ];
  const working = await connection.createChannel();
  for (const [ask, code, text] of refusals) {
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    await assert.rejects(async () => ask(channel), (error) => {
      assert.strictEqual(error.code, code);
      assert(error.message.endsWith(`"${text}"`), error.message);
      return true;
    });
  }
  await working.assertQueue('', {exclusive: true});

  await assert.rejects(
    async () => amqp.connect(process.argv[2].replace('amqp://', 'amqp://guest:wrong@')),
    /403 \(ACCESS-REFUSED\).*ACCESS_REFUSED - Login was refused using/);
});
