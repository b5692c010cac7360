def load():
    print "loading"
