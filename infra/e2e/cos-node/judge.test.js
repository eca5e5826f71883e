// Judges the COS endpoint at COS_BUCKET_URL by Tencent's Node SDK, which signs, splits and resumes in its own code.
// The endpoint's keys are COS_SECRET_ID and COS_SECRET_KEY; its bucket is taken to be empty of `judge/`.

import assert from 'node:assert/strict'
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import COS from 'cos-nodejs-sdk-v5'

const endpoint = new URL(process.env.COS_BUCKET_URL)
const SecretId = process.env.COS_SECRET_ID
const SecretKey = process.env.COS_SECRET_KEY
const at = { Bucket: 'judge-1250000000', Region: 'ap-guangzhou' }

function client(options = {}) {
  return new COS({
    SecretId, SecretKey, Protocol: endpoint.protocol, Domain: endpoint.host, UploadCheckContentMd5: true, ChunkRetryTimes: 0, ...options,
  })
}

const cos = client()
const scratch = mkdtempSync(join(tmpdir(), 'cos-judge-'))
after(() => rmSync(scratch, { recursive: true }))

const etag = (bytes) => `"${createHash('md5').update(bytes).digest('hex')}"`
const source = (key) => `judge-1250000000.cos.ap-guangzhou.myqcloud.com/${encodeURIComponent(key)}`
const put = (Key, Body, more = {}) => cos.putObject({ ...at, Key, Body, ...more })
const get = (Key, more = {}) => cos.getObject({ ...at, Key, ...more })
const refused = (statusCode, code) => (err) => {
  assert.equal(err.statusCode, statusCode)
  assert.equal(err.error?.Code ?? err.code, code)
  return true
}

test('head bucket', async () => {
  assert.equal((await cos.headBucket(at)).statusCode, 200)
})

test('put, head and get keep bytes, type and metadata', async () => {
  const bytes = randomBytes(70_000)
  const done = await put('judge/a.png', bytes, {
    ContentType: 'image/png', CacheControl: 'max-age=5', ContentDisposition: 'attachment; filename="p!(1)*.png"', 'x-cos-meta-who': "o'neil & co",
  })
  assert.equal(done.ETag, etag(bytes))
  const head = await cos.headObject({ ...at, Key: 'judge/a.png' })
  const got = await get('judge/a.png')
  assert.deepEqual(got.Body, bytes)
  for (const { headers } of [head, got]) {
    assert.equal(headers['content-type'], 'image/png')
    assert.equal(headers['cache-control'], 'max-age=5')
    assert.equal(headers['content-disposition'], 'attachment; filename="p!(1)*.png"')
    assert.equal(headers['x-cos-meta-who'], "o'neil & co")
    assert.equal(headers['content-length'], '70000')
    assert.match(headers['x-cos-hash-crc64ecma'], /^\d+$/)
    assert.ok(headers['x-cos-request-id'])
  }
})

test('an empty object', async () => {
  await put('judge/empty', '')
  assert.equal((await get('judge/empty')).Body.length, 0)
})

test('odd keys', async () => {
  const keys = ['judge/图片 1+2.png', 'judge/a//b', 'judge/a/../b', 'judge/a%2Fb', "judge/!'()*~;,&=?#@:$", 'judge/a', 'judge/a/b']
  for (const key of keys) await put(key, key)
  for (const key of keys) assert.equal((await get(key)).Body.toString(), key)
})

test('ranges', async () => {
  await put('judge/ten', '0123456789')
  const part = await get('judge/ten', { Range: 'bytes=2-4' })
  assert.equal(part.statusCode, 206)
  assert.equal(part.Body.toString(), '234')
  assert.equal(part.headers['content-range'], 'bytes 2-4/10')
  await assert.rejects(get('judge/ten', { Range: 'bytes=10-' }), refused(416, 'InvalidRange'))
})

test('conditions', async () => {
  await put('judge/cond', 'x')
  const tag = etag('x')
  assert.equal((await get('judge/cond', { IfMatch: tag })).statusCode, 200)
  await assert.rejects(get('judge/cond', { IfMatch: '"no"' }), refused(412, 'PreconditionFailed'))
  await assert.rejects(get('judge/cond', { IfNoneMatch: tag }), (err) => err.statusCode === 304)
  const tomorrow = new Date(Date.now() + 864e5).toUTCString()
  assert.equal((await get('judge/cond', { IfModifiedSince: tomorrow })).NotModified, true)
})

test('overridden headers', async () => {
  const got = await get('judge/ten', { ResponseContentType: 'text/x-ten', ResponseContentDisposition: 'attachment; filename="a b.txt"' })
  assert.equal(got.headers['content-type'], 'text/x-ten')
  assert.equal(got.headers['content-disposition'], 'attachment; filename="a b.txt"')
})

test('streams', async () => {
  const file = join(scratch, 'stream')
  await get('judge/ten', { Output: file })
  assert.equal(readFileSync(file, 'utf8'), '0123456789')
})

test('absent objects', async () => {
  await assert.rejects(get('judge/nothing'), refused(404, 'NoSuchKey'))
  await assert.rejects(cos.headObject({ ...at, Key: 'judge/nothing' }), (err) => err.statusCode === 404)
  assert.equal((await cos.deleteObject({ ...at, Key: 'judge/nothing' })).statusCode, 204)
})

test('copy', async () => {
  await put('judge/copy source+ü', 'to be copied', { ContentType: 'text/x' })
  const done = await cos.putObjectCopy({ ...at, Key: 'judge/copy', CopySource: source('judge/copy source+ü') })
  assert.equal(done.ETag, etag('to be copied'))
  assert.equal((await get('judge/copy')).headers['content-type'], 'text/x')
  await assert.rejects(
    cos.putObjectCopy({ ...at, Key: 'judge/copy2', CopySource: source('judge/copy'), CopySourceIfMatch: '"no"' }),
    refused(412, 'PreconditionFailed'),
  )
  await assert.rejects(cos.putObjectCopy({ ...at, Key: 'judge/copy2', CopySource: source('judge/nothing') }), refused(404, 'NoSuchKey'))
})

test('list', async () => {
  for (const key of ['judge/list/a', 'judge/list/b c', 'judge/list/d/1', 'judge/list/d/2', 'judge/list/é']) await put(key, 'x')
  const keys = []
  const prefixes = []
  for (let Marker; ;) {
    const page = await cos.getBucket({ ...at, Prefix: 'judge/list/', Delimiter: '/', MaxKeys: 2, Marker, EncodingType: 'url' })
    keys.push(...page.Contents.map((object) => decodeURIComponent(object.Key)))
    prefixes.push(...page.CommonPrefixes.map((common) => decodeURIComponent(common.Prefix)))
    if (page.IsTruncated !== 'true') break
    Marker = decodeURIComponent(page.NextMarker)
  }
  assert.deepEqual(keys, ['judge/list/a', 'judge/list/b c', 'judge/list/é'])
  assert.deepEqual(prefixes, ['judge/list/d/'])
})

test('delete many', async () => {
  const Objects = ['judge/list/a', 'judge/list/b c', 'judge/list/<&>'].map((Key) => ({ Key }))
  const done = await cos.deleteMultipleObject({ ...at, Objects })
  assert.deepEqual(done.Deleted.map((object) => object.Key), ['judge/list/a', 'judge/list/b c', 'judge/list/<&>'])
  assert.deepEqual(done.Error, [])
  await assert.rejects(get('judge/list/a'), refused(404, 'NoSuchKey'))
})

test('multipart by hand', async () => {
  const Key = 'judge/parts'
  const { UploadId } = await cos.multipartInit({ ...at, Key, ContentType: 'application/zip' })
  const bytes = randomBytes(2 ** 20 + 5)
  await put('judge/part source', bytes)
  const first = await cos.multipartUpload({ ...at, Key, UploadId, PartNumber: 1, Body: bytes.subarray(0, 2 ** 20) })
  const second = await cos.uploadPartCopy({
    ...at, Key, UploadId, PartNumber: 2, CopySource: source('judge/part source'), CopySourceRange: `bytes=${2 ** 20}-${2 ** 20 + 4}`,
  })
  const listed = await cos.multipartListPart({ ...at, Key, UploadId })
  assert.deepEqual(listed.Part.map(({ PartNumber, Size }) => [PartNumber, Size]), [['1', String(2 ** 20)], ['2', '5']])
  const uploads = await cos.multipartList({ ...at, Prefix: 'judge/' })
  assert.ok(uploads.Upload.some((upload) => upload.UploadId === UploadId && upload.Key === Key))
  const Parts = [{ PartNumber: 1, ETag: first.ETag }, { PartNumber: 2, ETag: second.ETag }]
  const wrong = [{ PartNumber: 1, ETag: second.ETag }]
  await assert.rejects(cos.multipartComplete({ ...at, Key, UploadId, Parts: wrong }), refused(400, 'InvalidPart'))
  const done = await cos.multipartComplete({ ...at, Key, UploadId, Parts })
  assert.match(done.ETag, /^"[0-9a-f]{32}-2"$/)
  const got = await get(Key)
  assert.deepEqual(got.Body, bytes)
  assert.equal(got.headers['content-type'], 'application/zip')
})

test('abort', async () => {
  const Key = 'judge/aborted'
  const { UploadId } = await cos.multipartInit({ ...at, Key })
  await cos.multipartUpload({ ...at, Key, UploadId, PartNumber: 1, Body: 'x' })
  assert.equal((await cos.multipartAbort({ ...at, Key, UploadId })).statusCode, 204)
  await assert.rejects(cos.multipartUpload({ ...at, Key, UploadId, PartNumber: 2, Body: 'x' }), refused(404, 'NoSuchUpload'))
})

test('sliced upload, download and copy of a file', async () => {
  const bytes = randomBytes(5 * 2 ** 20 + 3)
  const FilePath = join(scratch, 'big')
  writeFileSync(FilePath, bytes)
  const done = await cos.sliceUploadFile({ ...at, Key: 'judge/big', FilePath })
  assert.match(done.ETag, /-6"$/)
  const back = join(scratch, 'back')
  await cos.downloadFile({ ...at, Key: 'judge/big', FilePath: back, ChunkSize: 2 ** 20 })
  assert.deepEqual(readFileSync(back), bytes)
  await cos.sliceCopyFile({ ...at, Key: 'judge/big copy', CopySource: source('judge/big'), CopySliceSize: 2 ** 20, CopyChunkSize: 2 ** 21 })
  assert.deepEqual((await get('judge/big copy')).Body, bytes)
})

test('presigned URLs', async () => {
  const url = (more) => cos.getObjectUrl({ ...at, Key: 'judge/pre signed.txt', Sign: true, Expires: 60, ...more }, () => {})
  const asynchronous = (more) => new Promise((resolve, reject) =>
    cos.getObjectUrl({ ...at, Key: 'judge/pre signed.txt', Sign: true, ...more }, (err, data) => (err ? reject(err) : resolve(data.Url))))
  const sent = await fetch(url({ Method: 'PUT' }), { method: 'PUT', body: 'by fetch' })
  assert.equal(sent.status, 200)
  const Query = { 'response-content-disposition': 'attachment; filename="x;y.txt"', 'response-cache-control': 'no-store' }
  for (const address of [url(), url({ Query }), await asynchronous(), await asynchronous({ Query })]) {
    const got = await fetch(address)
    assert.equal(got.status, 200, address)
    assert.equal(await got.text(), 'by fetch')
    if (address.includes('response-')) assert.equal(got.headers.get('content-disposition'), Query['response-content-disposition'])
  }
  assert.equal((await fetch(url(), { method: 'DELETE' })).status, 403)
  assert.equal((await fetch(url().replace('signed', 'other'))).status, 403)
  assert.equal((await fetch(url({ Expires: -60 }))).status, 403)
  const merged = COS.getAuthorization({ SecretId, SecretKey, Method: 'get', Key: 'judge/pre signed.txt', Headers: { Host: endpoint.host } })
  assert.equal((await fetch(`${endpoint.origin}/judge/pre%20signed.txt?sign=${encodeURIComponent(merged)}`)).status, 200)
})

test('form upload under a policy', async () => {
  const now = Math.floor(Date.now() / 1000)
  const keyTime = `${now};${now + 60}`
  const form = (file, expiration = new Date(Date.now() + 60_000).toISOString()) => {
    const policy = JSON.stringify({
      expiration,
      conditions: [
        { 'q-sign-algorithm': 'sha1' }, { 'q-ak': SecretId }, { 'q-sign-time': keyTime },
        ['starts-with', '$key', 'judge/form/'], ['content-length-range', 1, 10],
      ],
    })
    const signKey = createHmac('sha1', SecretKey).update(keyTime).digest('hex')
    const toSign = createHash('sha1').update(policy).digest('hex')
    const body = new FormData()
    body.set('key', 'judge/form/${filename}')
    body.set('policy', Buffer.from(policy).toString('base64'))
    body.set('q-sign-algorithm', 'sha1')
    body.set('q-ak', SecretId)
    body.set('q-key-time', keyTime)
    body.set('q-signature', createHmac('sha1', signKey).update(toSign).digest('hex'))
    body.set('file', new Blob([file]), 'a.txt')
    return fetch(endpoint, { method: 'POST', body })
  }
  assert.equal((await form('by form')).status, 204)
  assert.equal((await get('judge/form/a.txt')).Body.toString(), 'by form')
  assert.match(await (await form('more than ten')).text(), /<Code>EntityTooLarge</)
  assert.equal((await form('late', '2020-01-01T00:00:00.000Z')).status, 403)
})

test('refused: wrong secret, unknown key, no signature, wrong digest', async () => {
  await assert.rejects(client({ SecretKey: 'guess' }).getObject({ ...at, Key: 'judge/ten' }), refused(403, 'SignatureDoesNotMatch'))
  await assert.rejects(client({ SecretId: 'AKIDother' }).getObject({ ...at, Key: 'judge/ten' }), refused(403, 'InvalidAccessKeyId'))
  const bare = await fetch(`${endpoint.origin}/judge/ten`)
  assert.equal(bare.status, 403)
  assert.match(await bare.text(), /<Code>AccessDenied</)
  const own = client({ UploadCheckContentMd5: false })
  const digest = (text) => createHash('md5').update(text).digest('base64')
  const mistaken = own.putObject({ ...at, Key: 'judge/digest', Body: 'x', ContentMD5: digest('y') })
  await assert.rejects(mistaken, refused(400, 'BadDigest'))
  await own.putObject({ ...at, Key: 'judge/digest', Body: 'x', ContentMD5: digest('x') })
})

test('an expired signature', async () => {
  const late = client({ SystemClockOffset: -2 * 3600_000, CorrectClockSkew: false })
  await assert.rejects(late.getObject({ ...at, Key: 'judge/ten' }), (err) => {
    assert.equal(err.error.Message, 'Request has expired')
    return refused(403, 'AccessDenied')(err)
  })
  const corrected = client({ SystemClockOffset: -2 * 3600_000 })
  assert.equal((await corrected.getObject({ ...at, Key: 'judge/ten' })).statusCode, 200)
})

test('what this endpoint has not is refused', async () => {
  await assert.rejects(cos.getObjectAcl({ ...at, Key: 'judge/ten' }), refused(501, 'NotImplemented'))
  await assert.rejects(cos.getBucketCors(at), refused(501, 'NotImplemented'))
  await assert.rejects(put('judge/public', 'x', { ACL: 'public-read' }), refused(501, 'NotImplemented'))
})
