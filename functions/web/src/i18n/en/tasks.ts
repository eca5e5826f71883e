export default {
  title: 'Reconstructions',
}
