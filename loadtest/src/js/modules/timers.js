(function (native) {
  return native;
})
