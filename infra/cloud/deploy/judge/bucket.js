// The bucket's rules by the vendor's Node SDK: `put` writes rules that somebody else has made, `get` prints all as JSON.

import COS from 'cos-nodejs-sdk-v5'

const { BUCKET: Bucket, REGION: Region, ACCOUNT, SECRET_ID: SecretId, SECRET_KEY: SecretKey } = process.env
const cos = new COS({ SecretId, SecretKey, Protocol: 'http:', Proxy: ACCOUNT })
const at = { Bucket, Region }

const others = {
  CORSRules: [{ ID: 'theirs', AllowedOrigin: ['https://other.example.com'], AllowedMethod: ['GET'], AllowedHeader: ['x-a', 'x-b'], ExposeHeader: [], MaxAgeSeconds: '5' }],
  Rules: [{ ID: 'theirs', Status: 'Enabled', Filter: { Prefix: 'logs/' }, Expiration: { Days: '7' } }],
}

if (process.argv[2] === 'put') {
  await cos.putBucketCors({ ...at, CORSRules: others.CORSRules, ResponseVary: 'true' })
  await cos.putBucketLifecycle({ ...at, Rules: others.Rules })
} else {
  const { CORSRules } = await cos.getBucketCors(at)
  const { Rules } = await cos.getBucketLifecycle(at)
  console.log(JSON.stringify({ CORSRules, Rules }))
}
