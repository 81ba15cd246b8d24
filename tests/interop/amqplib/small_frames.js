// SPDX-License-Identifier: Apache-2.0
//
// frame_max 4096, the smallest the protocol allows and what amqplib proposed for years: bodies are
// cut into frames both ways.
'use strict';

const assert = require('assert');
const crypto = require('crypto');
const {collect, run} = require('./client');

run(async (connection) => {
  const channel = await connection.createChannel();
  const {queue} = await channel.assertQueue('', {exclusive: true});
  const sizes = [0, 1, 4087, 4088, 4089, 8176, 8177, 100000, 1 << 20];
  const bodies = sizes.map((size) => crypto.createHash('sha512').update(String(size)).digest())
    .map((seed, index) => Buffer.alloc(sizes[index], seed));

  for (const body of bodies) channel.sendToQueue(queue, body);

  const messages = await collect(channel, queue, bodies.length, {noAck: true});
  messages.forEach(({content}, index) => {
    assert(content.equals(bodies[index]), `the body of ${sizes[index]} octets changed`);
  });
}, '?frameMax=4096');
