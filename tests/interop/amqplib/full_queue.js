// SPDX-License-Identifier: Apache-2.0
//
// A queue that is full and rejects answers a publish with a nack.
'use strict';

const assert = require('assert');
const {run, within} = require('./client');

run(async (connection) => {
  const channel = await connection.createConfirmChannel();
  const full = (await channel.assertQueue('', {
    exclusive: true,
    arguments: {'x-max-length': 1, 'x-overflow': 'reject-publish'},
  })).queue;
  const outcomes = [];
  await within(new Promise((resolve) => {
    for (let number = 0; number < 3; number++) {
      channel.sendToQueue(full, Buffer.from('x'), {}, (error) => {
        outcomes.push(error ? 'nack' : 'ack');
        if (outcomes.length === 3) resolve();
      });
    }
  }), 'three outcomes');
  assert.deepStrictEqual(outcomes.sort(), ['ack', 'nack', 'nack']);
});
